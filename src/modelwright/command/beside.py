"""What a comparison of two runs looks like in a terminal. Knows no folder."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from modelwright.command.screen import WIDTH, wide
from modelwright.comparing import Comparison
from modelwright.wording import say

GAP = 3
"""Cells between two columns."""


def shown(found: Comparison) -> str:
    """Scores, costs, what was ordered differently, and the verdict."""
    a, b = found.names
    rows = say("{n} test rows, the same for both", n=f"{len(found.a.answers):,}")
    further = [(*line, "", "") for line in (*found.gained(), *found.spent())]
    table = [("", a, b, say("difference, 95 %"), ""), *found.scores(), *further]
    ordered = [f"{key}: {before or '-'} -> {after or '-'}" for key, before, after in found.changed] or [say("the same")]
    lines = ["", f"  {a}  {say('and')}  {b} · {rows}", "", *_columns(table), ""]
    lines += _under(say("recipe"), ordered) + _under(say("data"), [found.data()])
    passed = [f"  {told}" for told in found.passed_over()]
    return "\n".join([*lines, "", *passed, f"  {found.verdict}"])


def _columns(table: Sequence[tuple[str, ...]]) -> list[str]:
    """Cells filled up to the widest of their column."""
    widths = [max(cell_len(row[place]) for row in table) + GAP for place in range(len(table[0]))]
    return ["  " + "".join(wide(cell, width) for cell, width in zip(row, widths)).rstrip() for row in table]


def _under(word: str, lines: Sequence[str]) -> list[str]:
    return [f"  {wide(word if not place else '', WIDTH)}{line}" for place, line in enumerate(lines)]
