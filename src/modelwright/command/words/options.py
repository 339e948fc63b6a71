"""A verb of the command line, and the options that several verbs share: each is said once."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from modelwright.wording import LANGUAGES, say, speaks

Verbs: TypeAlias = "argparse._SubParsersAction[ArgumentParser]"  # pyright: ignore[reportPrivateUsage]  argparse has no public name for it
Group: TypeAlias = "argparse._MutuallyExclusiveGroup"  # pyright: ignore[reportPrivateUsage]  nor for this


def verb(verbs: Verbs, name: str, does: Callable[[Namespace], int], about: str, *examples: str) -> ArgumentParser:
    """A verb with what every verb takes."""
    made = verbs.add_parser(
        name,
        help=about,
        description=about,
        epilog=say("examples:") + "".join(f"\n  modelwright {example}" for example in examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--lang", type=language, help=argparse.SUPPRESS, default=argparse.SUPPRESS)
    made.add_argument("--kinds", help=argparse.SUPPRESS, action="append", default=argparse.SUPPRESS)
    made.add_argument("--key", type=place, metavar="FILE", help=say("the key of what is sealed"))
    flag(made, "--quiet", say("say nothing but faults"))
    flag(made, "--json", say("one JSON object on standard output, all else on standard error"))
    made.set_defaults(does=does)
    return made


def under(words: Verbs, name: str, about: str) -> ArgumentParser:
    """A word under a verb, after which what every verb takes may stand too."""
    made = words.add_parser(name, help=about, description=about, allow_abbrev=False)
    made.add_argument("--lang", type=language, help=argparse.SUPPRESS, default=argparse.SUPPRESS)
    for word in ("--quiet", "--json"):
        made.add_argument(word, action="store_true", help=argparse.SUPPRESS, default=argparse.SUPPRESS)
    return made


def flag(made: ArgumentParser | Group, name: str, about: str) -> None:
    made.add_argument(name, action="store_true", help=about)


def out(made: ArgumentParser, about: str, required: bool = False) -> None:
    made.add_argument("-o", "--out", type=place, required=required, help=about)


def assignments(made: ArgumentParser) -> None:
    about = say("another value for one key of the recipe")
    made.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=about)


def recipe(made: ArgumentParser) -> None:
    """What opens a recipe, and what changes it."""
    made.add_argument("recipe", type=recipe_name, help=say("a recipe file, the name of a shipped one, or a data file"))
    assignments(made)
    made.add_argument("--label", metavar="COLUMN", help=say("the column to predict, where a data file is given"))
    made.add_argument("--device", metavar="DEVICE", help=say("auto, cpu, cuda or mps"))


def run_folder(made: ArgumentParser) -> None:
    """Where a run lies, how it begins there, and how many work on it."""
    out(made, say("the run's folder; runs/NAME without it"))
    either = made.add_mutually_exclusive_group()
    flag(either, "--resume", say("go on where an unfinished run stopped"))
    flag(either, "--fresh", say("begin again: what lies in the folder is removed"))
    made.add_argument("--processes", type=count, default=1, metavar="N", help=say("train with so many processes"))
    made.add_argument(
        "--arrival", type=count, default=120, metavar="SECONDS", help=say("how long all may take to come; 120 without it")
    )
    still = say("how long one may stand still; 300 without it")
    made.add_argument("--standstill", type=count, default=300, metavar="SECONDS", help=still)


def artifact(made: ArgumentParser) -> None:
    made.add_argument("artifact", type=place, help=say("the artifact's folder"))


def rows(made: ArgumentParser) -> None:
    made.add_argument("rows", type=place, help=say("a data file or folder"))


def data(made: ArgumentParser, about: str) -> None:
    made.add_argument("--data", type=place, metavar="PATH", help=about)


# --- what a word must be ------------------------------------------------------------------------------------------------


def count(word: str) -> int:
    """A whole number from 1."""
    return _whole(word, 1, None, say("a whole number from 1 is needed"))


def port(word: str) -> int:
    return _whole(word, 0, 65535, say("a whole number from 0 to 65535 is needed"))


def _whole(word: str, least: int, most: int | None, needed: str) -> int:
    try:
        number = int(word)
    except ValueError:
        raise argparse.ArgumentTypeError(needed) from None
    if number < least or (most is not None and number > most):
        raise argparse.ArgumentTypeError(needed)
    return number


def place(word: str) -> Path:
    """A path that this machine can look for: neither too long nor behind a closed door."""
    try:
        Path(word).stat()
    except (FileNotFoundError, NotADirectoryError):
        pass  # whoever reads or writes there has more to say
    except (OSError, ValueError) as error:
        problem = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
        raise argparse.ArgumentTypeError(say("no path to look for ({problem})", problem=problem)) from None
    return Path(word)


def recipe_name(word: str) -> str:
    """A path to look for or the name of a shipped recipe: it stays as it was written."""
    place(word)
    return word


def language(word: str) -> str:
    if not speaks(word):
        raise argparse.ArgumentTypeError(say("{word} is not spoken here; {known} are", word=word, known=", ".join(LANGUAGES)))
    return word
