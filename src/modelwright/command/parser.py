"""The words of the command line: one command per verb, in the order of the life. Loads nothing that is not needed to parse."""

from __future__ import annotations

import argparse

from modelwright import __version__
from modelwright.command.words import artifacts, keeping, recipes
from modelwright.command.words.options import language
from modelwright.wording import say

LIFE = (
    recipes.init, recipes.show, recipes.schema, recipes.check, recipes.plan, recipes.rehearse, recipes.run, recipes.train,
    artifacts.adopt, artifacts.merge, artifacts.compress, artifacts.predict, artifacts.generate, artifacts.explain,
    artifacts.verify, artifacts.serve, artifacts.compare, artifacts.export, recipes.prove,
    keeping.keys, keeping.unseal, keeping.cache,
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """All verbs, in the language in use; argparse's own words too, for which it has this one place."""
    own = _argparse_words()
    argparse._ = lambda text: own.get(text, text)  # pyright: ignore  argparse looks its words up by this name
    top = argparse.ArgumentParser(
        prog="modelwright",
        description=say(
            "A model's whole life from one recipe: raw rows in; a trained, measured model out, every claim proved."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_life(),
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", help=say("show the version and end"), version=f"modelwright {__version__}")
    top.add_argument("--lang", type=language, help=say("language of all sentences: en or zh_CN"), metavar="LANG")
    top.add_argument(
        "--kinds", help=say("a module of your own kinds, like mypackage.nets"), metavar="MODULE", action="append", default=[]
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    for add in LIFE:
        add(verbs)
    return top


def _argparse_words() -> dict[str, str]:
    """What argparse says by itself."""
    return {
        "usage: ": say("usage: "),
        "positional arguments": say("what to name"),
        "options": say("options"),
        "show this help message and exit": say("show this help and end"),
        "the following arguments are required: %s": say("still to be named: %s"),
        "unrecognized arguments: %s": say("no such word here: %s"),
        "expected one argument": say("needs a value"),
        "expected at least one argument": say("needs a value"),
        "not allowed with argument %s": say("goes not together with %s"),
        "argument %(argument_name)s: %(message)s": say("%(argument_name)s: %(message)s"),
        "%(prog)s: error: %(message)s\n": say("%(prog)s: %(message)s") + "\n",
        "invalid choice: %(value)r (choose from %(choices)s)": say("%(value)r is not one of %(choices)s"),
        "invalid %(type)s value: %(value)r": say("%(value)r is not of type %(type)s"),
    }


def _life() -> str:
    return "\n".join(
        (
            say("the life, in order:"),
            _step("init data.csv --label price -o mine.toml", say("look at the data, write a recipe")),
            _step("check mine.toml", say("judge the data before anything is trained")),
            _step("plan mine.toml", say("what it will cost: memory, time, disk and energy")),
            _step("rehearse mine.toml", say("the whole life in miniature, within a minute")),
            _step("run mine.toml", say("lead the whole life; the report says how good it is")),
            _step("predict runs/mine/artifact new.csv -o answers.csv", ""),
            _step('generate runs/mine/artifact "Once"', say("go on with a text, where texts were learned")),
            _step("verify runs/mine/artifact --data data.csv", say("check every byte, recompute the scores")),
            _step("serve runs/mine/artifact", say("answer over HTTP, and show a page to try it")),
            _step("export runs/mine/artifact --to onnx -o onnx --data new.csv", ""),
            _step("compare runs/mine runs/mine-2", say("which answers better, and how sure that is")),
            _step("prove resume mine.toml", say("kill it, resume it, compare the weights bit by bit")),
            _step("prove parity mine.toml", say("two processes and one: compare the weights bit by bit")),
        )
    )


def _step(words: str, about: str) -> str:
    return f"  {'modelwright ' + words:<57}{about}".rstrip()
