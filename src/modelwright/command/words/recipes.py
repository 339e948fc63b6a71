"""The words of what is done with a recipe."""

from __future__ import annotations

from modelwright.command import leading
from modelwright.command import recipes as does
from modelwright.command.words import options
from modelwright.command.words.options import Verbs, verb
from modelwright.wording import say


def init(verbs: Verbs) -> None:
    about = say("look at the data and write a recipe that runs")
    examples = "init data.csv --label price -o mine.toml", "init pictures/ --label label -o pictures.toml"
    made = verb(verbs, "init", does.init, about, *examples)
    made.add_argument("path", type=options.place, help=say("a data file or folder"))
    made.add_argument("--label", metavar="COLUMN", help=say("the column to predict; it is never guessed"))
    options.assignments(made)
    options.out(made, say("the recipe to write; without it, it is printed"))


def show(verbs: Verbs) -> None:
    about = say("print a recipe with every value it stands for")
    made = verb(verbs, "show", does.show, about, "show recipes/digits.toml", "show digits --set training.epochs=3")
    options.recipe(made)


def schema(verbs: Verbs) -> None:
    about = say("print the JSON schema of a recipe, for editors")
    verb(verbs, "schema", does.schema, about, "schema > recipe.schema.json", "schema --lang zh_CN")


def check(verbs: Verbs) -> None:
    about = say("judge the data of a recipe: what is missing, unreadable, doubled or leaked")
    made = verb(verbs, "check", does.check, about, "check mine.toml", "check data.csv --label price")
    options.recipe(made)


def plan(verbs: Verbs) -> None:
    about = say("say what a recipe will cost before it runs: memory by cause, time, disk, energy")
    made = verb(verbs, "plan", does.plan, about, "plan recipes/digits.toml", "plan mine.toml --set training.batch=4096")
    options.recipe(made)
    options.out(made, say("the folder that the run would have"))
    options.flag(made, "--here", say("measure in this process, not in one of its own"))


def rehearse(verbs: Verbs) -> None:
    about = say("lead the whole life in miniature: every stage for real, on few rows, with the first fault")
    made = verb(verbs, "rehearse", does.rehearse, about, "rehearse recipes/digits.toml", "rehearse mine.toml --json")
    options.recipe(made)


def run(verbs: Verbs) -> None:
    about = say("lead a recipe's whole life: check, train, evaluate, shelve, report")
    examples = "run recipes/digits.toml", "run data.csv --label price --set training.epochs=10"
    made = verb(verbs, "run", leading.run, about, *examples)
    options.recipe(made)
    options.run_folder(made)


def train(verbs: Verbs) -> None:
    about = say("lead a recipe's life as far as training; run --resume goes on from there")
    examples = "train recipes/digits.toml --processes 2", "run recipes/digits.toml --processes 2 --resume"
    made = verb(verbs, "train", leading.train, about, *examples)
    options.recipe(made)
    options.run_folder(made)


def prove(verbs: Verbs) -> None:
    about = say("prove a property of a recipe on this machine")
    examples = "prove resume recipes/digits.toml", "prove parity mine.toml --set training.epochs=3"
    made = verb(verbs, "prove", does.prove, about, *examples)
    properties = (
        say("resume: killed at any instant, it ends with the same weights"),
        say("parity: two processes learn what one with two micro-batches learns"),
    )
    made.add_argument("property", choices=["resume", "parity"], help="; ".join(properties))
    options.recipe(made)
    made.add_argument("--kills", type=options.count, default=5, help=say("resume: how often it is killed"))
