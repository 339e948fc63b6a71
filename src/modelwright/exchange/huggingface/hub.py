"""A model by its name in the hub: fetched by huggingface_hub where that is installed, and pinned to one commit."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from modelwright.exchange.huggingface.origins import COMMIT, HUB
from modelwright.nouns import Refused
from modelwright.wording import say

WANTED = ("*.json", "*.jinja", "README.md", "model*.safetensors", "1_Pooling/*")
"""Neither pickles nor code are fetched."""
QUIET = ("HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS")


def folder_of(word: Path, revision: str = "") -> Path:
    """The folder itself, or that of the snapshot which the hub has under this name: of the revision that is asked for (a
    commit, branch or tag), else of the newest. Refused: neither, or the hub is not reached."""
    name = word.as_posix()
    if word.exists() and revision:
        raise Refused(say("--revision goes with a name of the hub; {folder} lies here.", folder=word))
    if word.is_dir():
        return word
    if word.exists() or not HUB.fullmatch(name):
        raise Refused(say("{folder} is not a folder.", folder=word))
    if find_spec("huggingface_hub") is None:
        told = say("{name} is no folder here, and to fetch it from the hub huggingface_hub is needed.", name=name)
        raise Refused(told, say('pip install "modelwright[hub]", or fetch its files and give their folder.'))
    return _fetched(name, revision)


def _fetched(name: str, revision: str) -> Path:
    with _quiet():
        import huggingface_hub  # pyright: ignore[reportMissingImports]  asked for by find_spec

        try:
            found = Path(huggingface_hub.snapshot_download(name, revision=revision or None, allow_patterns=list(WANTED)))
        except Exception as error:  # it has no class for all that may go wrong on the way
            problem = f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"
            told = say("{name} cannot be fetched from the hub ({problem}).", name=name, problem=problem)
            raise Refused(told, say("Fetch its files where you can, and give their folder.")) from error
    if not COMMIT.fullmatch(found.name):
        raise Refused(say("{folder} tells no commit: what was fetched cannot be named later.", folder=found))
    return found


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """That library tells its makers nothing of who uses it."""
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(dict.fromkeys(QUIET, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
