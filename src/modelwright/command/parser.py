"""The words of the command line: one command per verb, in the order of the life. Loads nothing that is not needed to parse."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeAlias

from modelwright import __version__
from modelwright.command import explaining
from modelwright.command import verbs as does
from modelwright.command.keys import keys, unseal
from modelwright.wording import say

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # pyright: ignore[reportPrivateUsage]  argparse has no public name for it


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
    top.add_argument("--version", action="version", version=f"modelwright {__version__}")
    top.add_argument("--lang", help=say("language of all sentences: en or zh_CN"), metavar="LANG")
    top.add_argument(
        "--kinds", help=say("a module of your own kinds, like mypackage.nets"), metavar="MODULE", action="append", default=[]
    )
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    life = (_init, _show, _schema, _check, _plan, _rehearse, _run, _train, _compress, _predict, _explain, _verify, _serve)
    for add in (*life, _compare, _export, _prove, _keys, _unseal, _cache):
        add(verbs)
    return top


def _argparse_words() -> dict[str, str]:
    """What argparse says by itself."""
    return {
        "usage: ": say("usage: "),
        "positional arguments": say("what to name"),
        "options": say("options"),
        "show this help message and exit": say("show this help and end"),
        "show program's version number and exit": say("show the version and end"),
        "the following arguments are required: %s": say("still to be named: %s"),
        "unrecognized arguments: %s": say("no such word here: %s"),
        "expected one argument": say("needs a value"),
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
            _step("verify runs/mine/artifact", say("check every byte, recompute the scores")),
            _step("serve runs/mine/artifact", say("answer over HTTP, and show a page to try it")),
            _step("export runs/mine/artifact --to onnx -o onnx", say("the same answers without modelwright, proved")),
            _step("compare runs/mine runs/mine-2", say("which answers better, and how sure that is")),
            _step("prove resume mine.toml", say("kill it, resume it, compare the weights bit by bit")),
            _step("prove parity mine.toml", say("two processes and one: compare the weights bit by bit")),
        )
    )


def _step(words: str, about: str) -> str:
    return f"  {'modelwright ' + words:<55}{about}".rstrip()


def _verb(verbs: Verbs, name: str, about: str, *examples: str) -> argparse.ArgumentParser:
    epilog = say("examples:") + "".join(f"\n  modelwright {example}" for example in examples)
    made = verbs.add_parser(
        name,
        help=about,
        description=about,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--lang", help=argparse.SUPPRESS, default=argparse.SUPPRESS)
    made.add_argument("--kinds", help=argparse.SUPPRESS, action="append", default=argparse.SUPPRESS)
    made.add_argument("--key", type=Path, metavar="FILE", help=say("the key of what is sealed"))
    made.add_argument("--quiet", action="store_true", help=say("say nothing but faults"))
    made.add_argument("--json", action="store_true", help=say("one JSON object on standard output, all else on standard error"))
    return made


def _recipe_words(made: argparse.ArgumentParser) -> None:
    made.add_argument("recipe", help=say("a recipe file, the name of a shipped one, or a data file"))
    made.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help=say("another value for one key of the recipe")
    )
    made.add_argument("--label", metavar="COLUMN", help=say("the column to predict, where a data file is given"))
    made.add_argument("--device", metavar="DEVICE", help=say("auto, cpu, cuda or mps"))


def _init(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "init",
        say("look at the data and write a recipe that runs"),
        "init data.csv --label price -o mine.toml",
        "init pictures/ --label label -o pictures.toml",
    )
    made.add_argument("path", type=Path, help=say("a data file or folder"))
    made.add_argument("--label", metavar="COLUMN", help=say("the column to predict; it is never guessed"))
    made.add_argument("-o", "--out", type=Path, help=say("the recipe to write; without it, it is printed"))
    made.set_defaults(does=does.init)


def _show(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "show",
        say("print a recipe with every value it stands for"),
        "show recipes/digits.toml",
        "show digits --set training.epochs=3",
    )
    _recipe_words(made)
    made.set_defaults(does=does.show)


def _schema(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "schema",
        say("print the JSON schema of a recipe, for editors"),
        "schema > recipe.schema.json",
        "schema --lang zh_CN",
    )
    made.set_defaults(does=does.schema)


def _check(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "check",
        say("judge the data of a recipe: what is missing, unreadable, doubled or leaked"),
        "check mine.toml",
        "check data.csv --label price",
    )
    _recipe_words(made)
    made.set_defaults(does=does.check)


def _plan(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "plan",
        say("say what a recipe will cost before it runs: memory by cause, time, disk, energy"),
        "plan recipes/digits.toml",
        "plan mine.toml --set training.batch=4096",
    )
    _recipe_words(made)
    made.add_argument("-o", "--out", type=Path, help=say("the folder that the run would have"))
    made.add_argument("--here", action="store_true", help=say("measure in this process, not in one of its own"))
    made.set_defaults(does=does.plan)


def _rehearse(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "rehearse",
        say("lead the whole life in miniature: every stage for real, on few rows, with the first fault"),
        "rehearse recipes/digits.toml",
        "rehearse mine.toml --json",
    )
    _recipe_words(made)
    made.set_defaults(does=does.rehearse)


def _run(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "run",
        say("lead a recipe's whole life: check, train, evaluate, shelve, report"),
        "run recipes/digits.toml",
        "run data.csv --label price --set training.epochs=10",
    )
    _recipe_words(made)
    _folder_words(made)
    made.set_defaults(does=does.run)


def _train(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "train",
        say("lead a recipe's life as far as training; run --resume goes on from there"),
        "train recipes/digits.toml --processes 2",
        "run recipes/digits.toml --processes 2 --resume",
    )
    _recipe_words(made)
    _folder_words(made)
    made.set_defaults(does=does.train)


def _folder_words(made: argparse.ArgumentParser) -> None:
    """Where a run lies, how it begins there, and how many work on it."""
    made.add_argument("-o", "--out", type=Path, help=say("the run's folder; runs/NAME without it"))
    made.add_argument("--resume", action="store_true", help=say("go on where an unfinished run stopped"))
    made.add_argument("--fresh", action="store_true", help=say("begin again: what lies in the folder is removed"))
    made.add_argument("--processes", type=_count, default=1, metavar="N", help=say("train with so many processes"))
    made.add_argument(
        "--arrival", type=_count, default=120, metavar="SECONDS", help=say("how long all may take to come; 120 without it")
    )
    still = say("how long one may stand still; 300 without it")
    made.add_argument("--standstill", type=_count, default=300, metavar="SECONDS", help=still)


def _count(word: str) -> int:
    """A whole number from 1."""
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(say("a whole number from 1 is needed"))
    return number


def _predict(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "predict",
        say("answer raw rows with an artifact"),
        "predict runs/digits/artifact rows.csv -o answers.csv",
        "predict ARTIFACT rows.jsonl -o answers.parquet",
    )
    made.add_argument("artifact", type=Path, help=say("the artifact's folder"))
    made.add_argument("rows", type=Path, help=say("a data file or folder"))
    made.add_argument("-o", "--out", type=Path, required=True, help=say("where the answers go: .csv, .jsonl or .parquet"))
    made.set_defaults(does=does.predict)


def _compress(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "compress",
        say("make an artifact smaller, and prove on its test rows what that costs"),
        "compress runs/digits/artifact --loss 0.02 -o smaller",
        "compress ARTIFACT --data housing.csv --keep 0.5 --loss 500 -o smaller",
    )
    made.add_argument("artifact", type=Path, help=say("the artifact's folder"))
    made.add_argument("--data", type=Path, metavar="PATH", help=say("the data it was made from"))
    made.add_argument("--loss", type=float, default=0.01, help=say("what may be lost: a share, or the label's unit"))
    made.add_argument("--keep", type=float, help=say("prune as well: the share of each layer's units that stays"))
    made.add_argument("--epochs", type=int, default=5, help=say("how long a pruned model learns on"))
    made.add_argument("-o", "--out", type=Path, required=True, help=say("the folder of the smaller artifact"))
    made.set_defaults(does=does.compress)


def _explain(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "explain",
        say("tell why an artifact answers a row as it does, or which columns matter"),
        "explain runs/digits/artifact rows.csv --row 3 -o why.html",
        "explain ARTIFACT rows.csv --method permutation --budget 30s",
    )
    made.add_argument("artifact", type=Path, help=say("the artifact's folder"))
    made.add_argument("rows", type=Path, help=say("a data file or folder"))
    made.add_argument("--row", type=int, default=0, help=say("which row, counted from 0"))
    methods = ["shapley", "lime", "integrated_gradients", "occlusion", "permutation"]
    made.add_argument("--method", choices=methods, default="shapley", help=say("shapley without it; permutation needs labels"))
    made.add_argument("--budget", default="10s", metavar="TIME", help=say("how long it may take: 10s, 500ms, 2m"))
    made.add_argument("-o", "--out", type=Path, help=say("a page to draw it on"))
    made.set_defaults(does=explaining.explain)


def _export(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "export",
        say("write an artifact in another format, once raw rows have proved it the same"),
        "export runs/digits/artifact --to onnx -o digits-onnx",
        "export ARTIFACT --to onnx --data rows.csv -o exported",
    )
    made.add_argument("artifact", type=Path, help=say("the artifact's folder"))
    made.add_argument("--to", choices=["onnx"], required=True, help=say("onnx: a graph, and a reader without modelwright"))
    made.add_argument("-o", "--out", type=Path, required=True, help=say("the folder to write"))
    made.add_argument("--data", type=Path, metavar="PATH", help=say("200 raw rows to prove it with; they need no label"))
    made.set_defaults(does=does.export)


def _verify(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "verify",
        say("check every byte of an artifact and recompute its scores"),
        "verify runs/digits/artifact --signer colleague.pem",
        "verify ARTIFACT --data housing.csv --require-scores",
    )
    made.add_argument("artifact", type=Path, help=say("the artifact's folder"))
    made.add_argument("--data", type=Path, metavar="PATH", help=say("the data it was made from"))
    made.add_argument("--require-scores", action="store_true", help=say("exit 1 where the scores were not recomputed"))
    made.add_argument("--signer", metavar="KEY", help=say("a public key's file or whole name: any other signer is refused"))
    made.set_defaults(does=does.verify)


def _serve(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "serve",
        say("answer raw rows over HTTP, on this machine"),
        "serve runs/digits/artifact",
        "serve runs/digits/artifact price=runs/mine/artifact --port 8081",
    )
    made.add_argument("artifacts", nargs="+", metavar="ARTIFACT", help=say("an artifact's folder, or NAME=FOLDER"))
    made.add_argument("--host", default="127.0.0.1", help=say("the address to listen at"))
    made.add_argument("--keys", action="store_true", help=say("ask for a key on this machine too; elsewhere one always is"))
    made.add_argument("--port", type=int, default=8080, help=say("the port to listen at; 0 is any free one"))
    made.set_defaults(does=does.serve)


def _compare(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "compare",
        say("hold two finished runs against each other, on the same test rows"),
        "compare runs/digits runs/digits-2",
        "compare runs/linear runs/mlp --json",
    )
    made.add_argument("a", type=Path, help=say("the folder of a run"))
    made.add_argument("b", type=Path, help=say("the folder of another"))
    made.set_defaults(does=does.compare)


def _prove(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "prove",
        say("prove a property of a recipe on this machine"),
        "prove resume recipes/digits.toml",
        "prove parity mine.toml --set training.epochs=3",
    )
    properties = (
        say("resume: killed at any instant, it ends with the same weights"),
        say("parity: two processes learn what one with two micro-batches learns"),
    )
    made.add_argument("property", choices=["resume", "parity"], help="; ".join(properties))
    _recipe_words(made)
    made.add_argument("--kills", type=int, default=5, help=say("resume: how often it is killed"))
    made.set_defaults(does=does.prove)


def _keys(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "keys",
        say("your own signing key, and the keys of others that you trust"),
        "keys export -o me.pem",
        "keys trust colleague.pem",
    )
    words = made.add_subparsers(dest="do", metavar="WORD", required=True)
    words.add_parser("make", help=say("make your key now; signing makes it too"), allow_abbrev=False)
    words.add_parser("list", help=say("the names of your key and of those you trust"), allow_abbrev=False)
    trusted = words.add_parser("trust", help=say("trust what this public key signs"), allow_abbrev=False)
    trusted.add_argument("file", type=Path, help=say("a public key, as keys export writes it"))
    sealing = words.add_parser("seal", help=say("make a key that seals runs, in a file of its own"), allow_abbrev=False)
    sealing.add_argument("file", type=Path, help=say("the file to write; keep a copy: without it nothing sealed can be read"))
    client = words.add_parser("add-client", help=say("a new key for somebody who asks your server"), allow_abbrev=False)
    client.add_argument("name", help=say("what you call them"))
    words.add_parser("list-clients", help=say("who has such a key"), allow_abbrev=False)
    gone = words.add_parser("drop-client", help=say("make a key of such a name worthless"), allow_abbrev=False)
    gone.add_argument("name", help=say("what you called them"))
    exported = words.add_parser("export", help=say("write your public key, for others to trust"), allow_abbrev=False)
    exported.add_argument("-o", "--out", type=Path, help=say("the file to write; without it, it is printed"))
    made.set_defaults(does=keys)


def _unseal(verbs: Verbs) -> None:
    made = _verb(
        verbs,
        "unseal",
        say("write a sealed file in clear, like a report to be read"),
        "unseal runs/mine/report.html -o report.html --key seal.key",
        "unseal runs/mine/artifact/README.md -o card.md --key seal.key",
    )
    made.add_argument("file", type=Path, help=say("the sealed file"))
    made.add_argument("-o", "--out", type=Path, required=True, help=say("the file to write"))
    made.set_defaults(does=unseal)


def _cache(verbs: Verbs) -> None:
    made = _verb(verbs, "cache", say("show what is kept between runs, or clear it"), "cache", "cache --clear")
    made.add_argument("--clear", action="store_true", help=say("remove all of it"))
    made.set_defaults(does=does.cache)
