"""What a model that went on from a base has gained on its rows, and lost on other texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from modelwright import data, evaluation, models
from modelwright.data.codecs import Documents
from modelwright.evaluation import BitsPerByte, Perplexity
from modelwright.nouns import Answers, Gained, Refused, Rows, Tokens, Watch
from modelwright.recipe import Recipe
from modelwright.report import figures
from modelwright.stages import Encoded, Judged, Learned, Material, silent, stage
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module

    from modelwright.data.codecs.documents.passages import Passages


def refuse_elsewhere(recipe: Recipe, writes: type | None) -> None:
    """Refused, before anything is trained: texts elsewhere to judge by, and no base (None), or none that goes on with texts."""
    if recipe.evaluation.elsewhere is not None and not (writes is Tokens and recipe.codec.wants is Tokens):
        told = say("evaluation.elsewhere is for a model that goes on with texts and begins with a base that does.")
        raise Refused(told, say("Leave it out, or name such a base in [model] artifact."))


def elsewhere(
    recipe: Recipe, material: Material, encoded: Encoded, learned: Learned, judged: Judged, watch: Watch = silent
) -> tuple[Gained, ...]:
    """Bits per byte and perplexity of the test rows and of texts elsewhere, before and after; nothing where not ordered."""
    path, start = recipe.evaluation.elsewhere, encoded.start
    if path is None or start is None:
        return ()
    with stage("elsewhere", watch) as words:
        base = models.build(recipe.model, encoded.codec.reads, encoded.codec.writes, recipe.seed)
        base.load_state_dict(dict(start.beginning.weights))
        before = evaluation.answer_rows(base, encoded.codec, material.part("test"), recipe.evaluation.batch)
        found = [_gained("", len(material.parts["test"]), before, judged.answers)]
        rows, codec = data.read(data.from_path(path)), _codec(cast("Passages", encoded.codec))
        there = [_answers(module, codec, rows, recipe) for module in (base, learned.module)]
        found.append(_gained(path.name, len(rows), *there))
        words += map(figures.gained, found)
    return tuple(found)


def _gained(name: str, texts: int, before: Answers, after: Answers) -> Gained:
    first, second = (tuple(metric.score(answers) for metric in (BitsPerByte(), Perplexity())) for answers in (before, after))
    return Gained(name, texts, first, second)


def _answers(module: Module, codec: Passages, rows: Rows, recipe: Recipe) -> Answers:
    return evaluation.answer_rows(module, codec, rows, recipe.evaluation.batch)


def _codec(codec: Passages) -> Passages:
    """Texts are read whole, by the same tokenizer."""
    from modelwright.data.codecs.documents.passages import Passages

    ours = codec.encoding
    return Passages(Documents(longest=ours.longest, tokenizer=ours.tokenizer), codec.tokenizer, codec.places)
