"""Which source a path on the command line means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelwright.data.sources import (
    CIFAR10,
    CSV,
    IDX,
    JSON,
    JSONL,
    Arrays,
    Conll,
    Gettext,
    Parquet,
    Source,
    pictures,
    sounds,
    text,
)
from modelwright.data.sources.files import a_file, a_folder, listed, reading
from modelwright.data.splits import SPELLINGS, Given, Split, Stratified
from modelwright.nouns import Refused
from modelwright.wording import say

BY_ENDING: dict[str, Callable[[Path], Source]] = {
    ".csv": CSV, ".tsv": CSV, ".tab": CSV, ".jsonl": JSONL, ".json": JSON, ".ndjson": JSONL, ".parquet": Parquet,
    ".pq": Parquet, ".npz": Arrays, ".npy": Arrays, ".txt": text.Text, ".wav": sounds.Sounds, ".wave": sounds.Sounds,
    ".mo": Gettext, ".conll": Conll, ".iob": Conll, ".iob2": Conll, ".bioes": Conll,
}  # fmt: skip


ELSEWHERE = frozenset({
    ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers", ".sav", ".dta", ".sas7bdat", ".rds", ".rdata", ".mat", ".h5",
    ".hdf5", ".feather", ".arrow", ".orc", ".avro", ".db", ".sqlite", ".sqlite3", ".pkl", ".pickle", ".zip", ".7z", ".rar",
    ".tar", ".tgz", ".bz2", ".xz", ".zst", ".xml", ".html", ".pdf", ".doc", ".docx", ".mp3", ".flac", ".m4a", ".ogg", ".mp4",
})  # fmt: skip
"""Files that hold rows for other programs, and are never a recipe."""


def from_path(path: Path) -> Source:
    """By the ending of a file, or by what lies in a folder. Refused where neither tells."""
    if path.is_dir():
        return _folder(a_folder(path))
    a_file(path)
    made = BY_ENDING.get(_ending(path))
    if made is None and _ending(path) in ELSEWHERE:
        raise Refused(
            say("{path} is not read as it is: {ending} is another program's format.", path=path, ending=_ending(path)), _way()
        )
    if made is None:
        told = say(
            "{path}: its ending does not say what kind of rows it holds. Endings that do: {endings}",
            path=path,
            endings=" ".join(BY_ENDING),
        )
        raise Refused(told)
    return made(path)


def tells_rows(path: Path) -> bool:
    """Whether it is a folder, or ends as a file of rows does, in any program's format: it is data that such a word means."""
    return path.is_dir() or _ending(path) in BY_ENDING or _ending(path) in ELSEWHERE


def _way() -> str:
    return say(
        "Unpack it, or save it from there as CSV in UTF-8 (in Excel: Save As, CSV UTF-8), Parquet or JSON Lines; sound as WAV."
    )


def _ending(path: Path) -> str:
    """In small letters, packed or not."""
    return next((suffix.lower() for suffix in reversed(path.suffixes) if suffix.lower() != ".gz"), "")


def _folder(path: Path) -> Source:
    with reading(path):
        names = sorted(entry.name for entry in path.iterdir())
        outer = {Path(name).suffix.lower() for name in names}
        inner = {file.suffix.lower() for file in path.rglob("*") if len(file.relative_to(path).parts) > 1}
    if any(name.startswith("train-images") for name in names):
        return IDX(path)
    if any(name.startswith("data_batch_") and name.endswith(".bin") for name in names):
        return CIFAR10(path)
    if inner & pictures.ENDINGS:
        return pictures.Pictures(path, split=_parts(path))
    if (inner or outer) & sounds.ENDINGS:
        return sounds.Sounds(path, split=_parts(path))
    if inner & text.ENDINGS:
        return text.Text(path, split=_parts(path))
    told = say(
        "{path} is a folder without rows that modelwright knows. In it: {names}",
        path=path,
        names=listed(names) or say("nothing"),
    )
    raise Refused(
        told,
        say(
            "It reads sub-folders of pictures, sounds or texts, one for each label, and the files of MNIST (IDX) and CIFAR-10."
        ),
    )


def _parts(path: Path) -> Split:
    """given, where the folders of labels lie in folders train and test."""
    folders = {entry.name.lower() for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    return Given() if folders <= set(SPELLINGS) and {"train", "test"} <= {SPELLINGS[name] for name in folders} else Stratified()
