"""Two runs beside one another, in words and figures. Knows no folder and no HTML but one small table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from modelwright.nouns import Score
from modelwright.report import figures
from modelwright.wording import say


def gain(difference: Score) -> str:
    """+0.4 points [-1.2, 2.0], or -310 [-590, -30]: what b has more than a."""
    name, width = _name(difference), difference.high - difference.low
    scale, unit = (100, " " + say("points")) if figures.is_share(name) else (1, "")
    value, low, high = (
        figures.number(scale * end, scale * width) for end in (difference.value, difference.low, difference.high)
    )
    return f"{'' if value.startswith('-') or not difference.value else '+'}{value}{unit} [{low}, {high}]"


def verdict(names: tuple[str, str], difference: Score, standing: str, least: float) -> str:
    """One sentence for the first score. least: the smallest share that so many rows can prove."""
    a, b = names
    name, width = _name(difference), difference.high - difference.low
    share = figures.is_share(name)
    scale = 100 if share else 1
    if standing == "unproved":
        rows = f"{difference.n:,}"
        if name == "accuracy":
            return say("No difference shown: {n} rows could show {least} points at best.", n=rows,
                       least=figures.number(100 * least, 100 * least))  # fmt: skip
        return say("No difference shown between {a} and {b} on {n} rows.", a=a, b=b, n=rows)
    ends = sorted(abs(scale * end) for end in (difference.low, difference.high))
    low, high = (figures.number(end, scale * width) for end in ends)
    facts = {"a": a, "b": b, "low": low, "high": high, "score": figures.score_name(name)}
    facts["by"] = figures.number(abs(scale * difference.value), scale * width)
    more = difference.value > 0
    if name == "accuracy":
        if more:
            return say("{b} answers {by} points more rows rightly than {a} [{low} - {high}].", **facts)
        return say("{b} answers {by} points fewer rows rightly than {a} [{low} - {high}].", **facts)
    if share:
        if more:
            return say("{b} has {by} points more {score} than {a} [{low} - {high}].", **facts)
        return say("{b} has {by} points less {score} than {a} [{low} - {high}].", **facts)
    if more:
        return say("The {score} of {b} is {by} higher than that of {a} [{low} - {high}].", **facts)
    return say("The {score} of {b} is {by} lower than that of {a} [{low} - {high}].", **facts)


def mark(standing: str) -> str:
    """How b stands, in a word."""
    return {"better": say("better"), "worse": say("worse"), "unproved": say("no difference shown")}[standing]


def html(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[str]) -> str:
    """A table as a notebook shows it, and the sentences below it."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in words)
    return f"<table><caption>{escape(title)}</caption><tr>{head}</tr>{body}</table>{told}"


def _name(difference: Score) -> str:
    return difference.name.removesuffix("_difference")
