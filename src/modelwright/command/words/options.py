"""A verb of the command line, and the options that several verbs share: each is said once."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from modelwright.wording import say

Verbs: TypeAlias = "argparse._SubParsersAction[ArgumentParser]"  # pyright: ignore[reportPrivateUsage]  argparse has no public name for it


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
    made.add_argument("--lang", help=argparse.SUPPRESS, default=argparse.SUPPRESS)
    made.add_argument("--kinds", help=argparse.SUPPRESS, action="append", default=argparse.SUPPRESS)
    made.add_argument("--key", type=Path, metavar="FILE", help=say("the key of what is sealed"))
    flag(made, "--quiet", say("say nothing but faults"))
    flag(made, "--json", say("one JSON object on standard output, all else on standard error"))
    made.set_defaults(does=does)
    return made


def flag(made: ArgumentParser, name: str, about: str) -> None:
    made.add_argument(name, action="store_true", help=about)


def out(made: ArgumentParser, about: str, required: bool = False) -> None:
    made.add_argument("-o", "--out", type=Path, required=required, help=about)


def recipe(made: ArgumentParser) -> None:
    """What opens a recipe, and what changes it."""
    made.add_argument("recipe", help=say("a recipe file, the name of a shipped one, or a data file"))
    made.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help=say("another value for one key of the recipe")
    )
    made.add_argument("--label", metavar="COLUMN", help=say("the column to predict, where a data file is given"))
    made.add_argument("--device", metavar="DEVICE", help=say("auto, cpu, cuda or mps"))


def run_folder(made: ArgumentParser) -> None:
    """Where a run lies, how it begins there, and how many work on it."""
    out(made, say("the run's folder; runs/NAME without it"))
    flag(made, "--resume", say("go on where an unfinished run stopped"))
    flag(made, "--fresh", say("begin again: what lies in the folder is removed"))
    made.add_argument("--processes", type=count, default=1, metavar="N", help=say("train with so many processes"))
    made.add_argument(
        "--arrival", type=count, default=120, metavar="SECONDS", help=say("how long all may take to come; 120 without it")
    )
    still = say("how long one may stand still; 300 without it")
    made.add_argument("--standstill", type=count, default=300, metavar="SECONDS", help=still)


def artifact(made: ArgumentParser) -> None:
    made.add_argument("artifact", type=Path, help=say("the artifact's folder"))


def rows(made: ArgumentParser) -> None:
    made.add_argument("rows", type=Path, help=say("a data file or folder"))


def made_from(made: ArgumentParser) -> None:
    made.add_argument("--data", type=Path, metavar="PATH", help=say("the data it was made from"))


def count(word: str) -> int:
    """A whole number from 1."""
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(say("a whole number from 1 is needed"))
    return number
