"""The verbs run and train: a life led here, alone or as a worker, or by processes that this one leads."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import parallel
from modelwright.command.asked import answer, opened
from modelwright.folder import RunFolder
from modelwright.nouns import Unkept
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.command.screen import Screen
    from modelwright.recipe import Recipe
    from modelwright.stages import Opening


def run(words: Namespace) -> int:
    recipe, folder = _ordered(words)  # before anything heavy is loaded: a wrong recipe is refused at once
    if (code := _led_by_others(words, recipe, folder)) is not None:
        return code
    from modelwright import life, telling

    with _seat(words) as (opening, screen):
        if opening.together.rank:
            return life.assist(recipe, folder, opening.together)
        lived = life.run(recipe, folder, opening, screen.note)
    if not words.json:
        screen.ending(lived, telling.data_path(recipe))
    else:
        answer(words, lived.plain(), "")
    unkept = lived.board.unkept if lived.board else ""
    if unkept:
        raise Unkept(say("Promise not kept: {promise}.", promise=unkept))
    return 0


def train(words: Namespace) -> int:
    recipe, folder = _ordered(words)
    if (code := _led_by_others(words, recipe, folder)) is not None:
        return code
    from modelwright import life

    with _seat(words) as (opening, screen):
        if opening.together.rank:
            return life.assist(recipe, folder, opening.together)
        learned = life.only_train(recipe, folder, opening, screen.note)
    facts = {"run": str(folder.path), **(learned.plain() if learned else {})}
    if learned is None:
        return answer(words, facts, say("{folder} holds a finished run.", folder=folder.path))
    from modelwright.report.sentences import quoted

    where = {"recipe": quoted(folder.recipe), "folder": quoted(folder.path)}
    return answer(words, facts, say("Evaluate, shelve, report: modelwright run {recipe} -o {folder} --resume", **where))


def _ordered(words: Namespace) -> tuple[Recipe, RunFolder]:
    """The recipe, and the folder in which its life is led."""
    recipe, name = opened(words)
    return recipe, RunFolder(words.out or Path("runs") / name)


@contextmanager
def _seat(words: Namespace) -> Generator[tuple[Opening, Screen], None, None]:
    """This process in its place, of all that work together: how the life is opened there, and where it is shown."""
    from modelwright.command.screen import Screen
    from modelwright.stages import Opening

    with Screen(quiet=words.quiet, to_stderr=words.json) as screen, _stopping() as stop:
        yield Opening(words.resume, words.fresh, stop, together=parallel.join()), screen
        parallel.leave()


def _led_by_others(words: Namespace, recipe: Recipe, folder: RunFolder) -> int | None:
    """The exit code of the work of several processes; None where this one works, as a worker or alone."""
    if words.processes == 1 or parallel.is_worker():
        return None
    from modelwright.command import several

    return several.led(words, recipe, folder)


@contextmanager
def _stopping() -> Generator[Callable[[], bool], None, None]:
    """Gives the question whether to stop. A worker is asked by its leader, never by a signal."""
    from modelwright.command.interrupt import asked_to_stop, deaf

    if asked := parallel.asked_to_stop():
        with deaf():
            yield asked
    else:
        with asked_to_stop() as stop:
            yield stop
