"""The page itself: a Story poured into page.html.j2, every word of it escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright import __version__
from modelwright.compression import telling as compressed
from modelwright.report import charts, figures, sentences
from modelwright.report.story import Story
from modelwright.wording import say, say_many, spoken

HERE = Path(__file__).parent


def page(story: Story) -> str:
    """One HTML text that asks nothing of any network."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    files = FileSystemLoader(HERE, encoding="utf-8")
    templates = Environment(loader=files, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    words: dict[str, Any] = {"say": say, "say_many": say_many, "figures": figures, "charts": charts, "sentences": sentences}
    words["compressed"] = compressed
    templates.globals.update(words)
    style = (HERE / "page.css").read_text(encoding="utf-8")
    sign = 1 if figures.lower_is_better(story.scores[0].name) else -1
    baselines = dict(sorted(story.baselines.items(), key=lambda rival: sign * rival[1][0].value))
    rivals = {name: scores[0] for name, scores in baselines.items()}
    whiskers, ticks = charts.whiskers((story.title, story.scores[0]), rivals)
    return templates.get_template("page.html.j2").render(
        story=story,
        style=style,
        baselines=baselines,
        language=spoken().replace("_", "-"),
        version=__version__,
        whiskers=whiskers,
        ticks=ticks,
        verdict=sentences.verdict(story),
        curves=charts.curves(story.history, story.metric, story.best_epoch),
        costs=figures.costs(story.ledger.predicted, story.ledger.measured),
    )
