"""What the verb explain does: one row's answer, or the columns of all rows, told on the screen, as JSON or as a page."""

from __future__ import annotations

import re
from argparse import Namespace
from typing import TYPE_CHECKING

from modelwright.command.asked import answer, kinds
from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.explanation.explaining import Explained
    from modelwright.explanation.permutation import Importance

LINES = 12
"""Features told on the screen."""
ROD = 20
"""Characters of the longest bar."""
SECONDS = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s|m|min)?")


def explain(words: Namespace) -> int:
    from modelwright import report, shelf, using

    budget = seconds(words.budget)
    artifact = shelf.take(words.artifact, kinds(words))
    if words.method == "permutation":
        if words.out is not None:
            raise Refused(say("A page is drawn of one row: leave out -o, or use another method."))
        importance = using.importance(artifact, using.rows_around(words.rows), budget)
        return answer(words, importance.plain(), important(importance))
    asked = using.Asked(words.row, words.method, budget, words.word)
    found, reason = using.explain(artifact, using.rows_around(words.rows, words.row), asked)
    told = explained(found)
    if words.out is not None:
        report.write_reason(words.out, reason)
        told += "\n" + say("{path} is drawn.", path=words.out)
    return answer(words, found.plain(), told)


def seconds(word: str) -> float:
    """10s, 500ms, 2m or a bare number of seconds."""
    match = SECONDS.fullmatch(word.strip())
    found = float(match[1]) * {"ms": 0.001, "m": 60, "min": 60}.get(match[2], 1) if match else 0
    if not found:
        raise Refused(say('--budget {word}: a time above 0 is needed, like "10s", "500ms" or "2m".', word=word))
    return found


def explained(found: Explained) -> str:
    from modelwright.report import figures
    from modelwright.report.reasons import why

    facts = {"row": f"{found.row:,}", "answer": found.about}
    known = say("row {row}: {answer}", **facts)
    lines = [f"{known}  {figures.amount(found.said)}  ({say('without any of it')} {figures.amount(found.without)})"]
    for place in found.order[:LINES]:
        name, said = found.features.names[place], found.features.said[place]
        value, error = found.values[place], found.errors[place]
        give = f" ± {error:.2g}" if error else ""
        what = f"{name} = {said}" if said else name
        rod = "█" * round(ROD * abs(value) / found.strongest)
        lines.append(f"  {what[:32]:<32} {value:+.4g}{give:<12} {rod}")
    if len(found.order) > LINES:
        lines.append(say("  and {n} more, weaker ones", n=len(found.order) - LINES))
    return "\n".join([*lines, why(found).about])


def important(found: Importance) -> str:
    lines = [say("Shuffled among all rows, each of these adds to the error of {base}:", base=f"{found.base:.4g}")]
    for place in found.order[:LINES]:
        interval = f"[{found.low[place]:.3g} - {found.high[place]:.3g}]"
        lines.append(f"  {found.features.names[place][:32]:<32} {found.drops[place]:+.4g}  {interval}")
    curve = zip(found.shuffled, found.top, found.random, strict=True)
    steps = "  ".join(f"{size}: {top:.3g} ({random:.3g})" for size, top, random in curve)
    return "\n".join([*lines, say("The weightiest shuffled together (as many at random): {steps}", steps=steps)])
