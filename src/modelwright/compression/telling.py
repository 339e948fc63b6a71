"""What is said of compression: its line in a terminal, the artifact's story, the amounts of a promise. Knows no HTML."""

from __future__ import annotations

from modelwright.compression.board import Board, Contender
from modelwright.compression.section import Promise
from modelwright.wording import say, say_many


def amount(promise: Promise, figure: float) -> str:
    """2.0 points, 97.5 %, 1,234: a loss or a level of the promise's metric."""
    return f"{100 * figure:.3g} %" if promise.metric == "accuracy" else f"{figure:,.4g}"


def size(figure: float) -> str:
    """71 KB"""
    for unit in ("B", "KB", "MB"):
        if figure < 999.5:
            return f"{figure:.0f} {unit}" if figure >= 9.95 or unit == "B" else f"{figure:.1f} {unit}"
        figure /= 1000
    return f"{figure:.1f} GB"


def duration(seconds: float) -> str:
    """38 µs, 1.2 ms, 0.31 s"""
    for unit, step in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= 0.1 * step or unit == "µs":
            return f"{seconds / step:.2g} {unit}" if seconds < 99 * step else f"{seconds / step:.0f} {unit}"
    return ""


def share(one: Contender, board: Board) -> str:
    """1/5 of the bytes"""
    times = board.bytes / one.bytes
    return say("1/{times} of the bytes", times=f"{times:.1f}".removesuffix(".0"))


def speed(one: Contender) -> str:
    """1.9x the speed, at the larger batch"""
    return say("{times}x the speed", times=f"{1 / one.paces[-1].ratio:.1f}")


def line(board: Board) -> list[str]:
    """The stage's last word."""
    chosen = board.chosen
    if chosen is None:
        return [say("the original is kept: {reason}", reason=board.reason), *_rejected(board)]
    assert board.judged is not None and board.loss is not None
    changed = say_many("{n} of {all} answers changed", "{n} of {all} answers changed", board.changed, all=f"{board.judged.n:,}")
    bound = say("loss below {most}", most=amount(board.promise, max(board.loss, 0.0)))
    first = " · ".join((share(chosen, board), speed(chosen), changed, f"{bound}"))
    return [f"{chosen.name}: {first} · {say('promise kept')}", *_rejected(board)]


def _rejected(board: Board) -> list[str]:
    return [say("rejected: {name}, {reason}", name=one.name, reason=one.reason) for one in board.contenders if one.reason]


def story(board: Board) -> str:
    """The artifact's line of it."""
    chosen = board.chosen
    assert chosen is not None and board.judged is not None and board.loss is not None
    facts = {"how": chosen.name, "share": share(chosen, board), "speed": speed(chosen), "n": f"{board.judged.n:,}"}
    facts |= {"loss": amount(board.promise, max(board.loss, 0.0)), "metric": board.promise.metric}
    return say("compressed: {how}, {share}, {speed}; loss of {metric} below {loss} on {n} test rows", **facts)
