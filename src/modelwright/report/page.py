"""The page itself: a Story poured into page.html.j2, every word of it escaped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import __version__
from modelwright.compression import telling as compressed
from modelwright.report import charts, figures, sentences
from modelwright.report.story import Reason, Story
from modelwright.wording import say, say_many, spoken

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


def templates() -> Environment:
    """Those beside this file, with the words that they use."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    files = FileSystemLoader(HERE, encoding="utf-8")
    found = Environment(loader=files, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    words: dict[str, Any] = {"say": say, "say_many": say_many, "figures": figures, "charts": charts, "sentences": sentences}
    words["compressed"] = compressed
    found.globals.update(words)
    return found


def facts() -> dict[str, str]:
    """What every page has."""
    style = (HERE / "page.css").read_text(encoding="utf-8")
    return {"style": style, "language": spoken().replace("_", "-"), "version": __version__}


def reason_page(reason: Reason) -> str:
    """One explanation, as offline as the report."""
    return templates().get_template("reason.html.j2").render(**vars(reason), **facts())


def page(story: Story) -> str:
    """One HTML text that asks nothing of any network."""
    sign = 1 if figures.lower_is_better(story.scores[0].name) else -1
    baselines = dict(sorted(story.baselines.items(), key=lambda rival: sign * rival[1][0].value))
    rivals = {name: scores[0] for name, scores in baselines.items()}
    whiskers, ticks = charts.whiskers((story.title, story.scores[0]), rivals)
    return templates().get_template("page.html.j2").render(
        story=story,
        baselines=baselines,
        **facts(),
        whiskers=whiskers,
        ticks=ticks,
        verdict=sentences.verdict(story),
        curves=charts.curves(story.history, story.metric, story.best_epoch),
        costs=figures.costs(story.ledger.predicted, story.ledger.measured),
    )
