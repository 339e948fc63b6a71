"""What every verb begins and ends with: the recipe and the kinds that the words name, and the answer."""

from __future__ import annotations

import importlib
import json
import sys
import traceback
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.recipe import Recipe


def out(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def err(text: str) -> None:
    sys.stderr.write(text + "\n")


def answer(words: Namespace, plain: dict[str, Any], text: str) -> int:
    """The result: one JSON object where that was asked for, else the text."""
    if words.json:
        out(json.dumps(plain, ensure_ascii=False))
    elif not words.quiet:
        out(text)
    return 0


def opened(words: Namespace) -> tuple[Recipe, str]:
    """The recipe that the words name, and the name its run goes by."""
    from modelwright import data
    from modelwright.recipe import open_recipe

    assignments = [*words.set, *([f'machine.device="{words.device}"'] if words.device else [])]
    path = Path(words.recipe)
    if data.tells_rows(path):
        from modelwright import drafting

        name = Path(path.name.removesuffix(".gz")).stem
        seen = drafting.look(path, words.label, words.set)
        if seen.left_out and not words.quiet:
            told = say("Left out, as nothing can be learned there (each row another word, none, or no text): {columns}",
                       columns=", ".join(seen.left_out))  # fmt: skip
            err(told)
        return open_recipe(drafting.draft(seen), assignments, kinds(words)), name
    if words.label:
        raise Refused(say("--label goes with a data file; in a recipe the label is codec.label."))
    return open_recipe(words.recipe, assignments, kinds(words)), path.stem


def kinds(words: Namespace) -> tuple[type, ...]:
    """The kinds of the user's own modules: every class there that names its room."""
    return tuple(kind for name in words.kinds for kind in _kinds_in(name))


def _kinds_in(name: str) -> list[type]:
    found = [kind for kind in vars(_module(name)).values() if isinstance(kind, type) and "room" in vars(kind)]
    if not found:
        told = say("--kinds {name}: there is no kind in it.", name=name)
        raise Refused(told, say('A kind is a class that says where it belongs: room = "model", for example.'))
    return found


def _module(name: str) -> ModuleType:
    """The user's own code: whatever goes wrong while it is imported is theirs to mend, and said with its place."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except Exception as error:
        problem = str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        last = traceback.extract_tb(error.__traceback__)[-1]
        if not last.filename.startswith("<frozen") and last.filename != importlib.__file__:
            problem = f"{last.filename}:{last.lineno}  {problem}"
        raise Refused(say("--kinds {name} cannot be imported: {error}", name=name, error=problem)) from error
    finally:
        sys.path.pop(0)


def refuse_there(path: Path) -> None:
    """Nothing of the user's is written over."""
    if path.exists():
        raise Refused(say("{path} is there already and is not overwritten: give another name with -o.", path=path))
