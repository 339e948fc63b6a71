"""What a model that replies must beat: saying the text itself once more, and a dictionary; one that shortens, its first words.

The dictionary is plain. For each word of the texts it knows the phrase of replies, up to LONG words of theirs, that comes with
it most: the highest 2 n(w, p) / (n(w) + n(p)), n counting training rows that have it (L. Dice, Ecology 26 (1945)), the longer
phrase where two are as high. It says the phrases in the order of the text. Of Chinese each character counts as a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from modelwright.evaluation import shortening
from modelwright.evaluation.matching import CHINESE, UNIT, units
from modelwright.evaluation.replying import framed, wanted
from modelwright.nouns import Answers, Batch, Codec

if TYPE_CHECKING:
    from modelwright.data.codecs.pairs.paired import Paired

LONG = 4
OFTEN = 2
"""Rows that must have a phrase."""


def baselines(train: Batch, test: Batch, codec: Codec) -> dict[str, Answers]:
    """Answers to the test rows by copying and, from what training rows say, by a dictionary or by the first words."""
    copied, texts, replies = read(test, codec), read(train, codec), wanted(codec, train).to_list()
    if shortening.shortens(texts, replies):
        count = shortening.usual(replies)
        other = {"lead": [shortening.lead(text, count) for text in copied]}
    else:
        other = {"dictionary": _looked_up(copied, learned(texts, replies), replies)}
    rows = wanted(codec, test)
    return {name: Answers(framed(test, rows, said), codec.writes[0]) for name, said in {"copy": copied, **other}.items()}


def _looked_up(texts: list[str], entries: dict[str, str], replies: list[str]) -> list[str]:
    gap = "" if 2 * sum(map(bool, map(CHINESE.search, replies))) >= len(replies) else " "
    return [gap.join(entries[word] for word in units(text) if word in entries) for text in texts]


def read(batch: Batch, codec: Codec) -> list[str]:
    """The texts that the batch holds, spelled."""
    real = batch["mask"].sum(1).tolist()
    return [
        cast("Paired", codec).spell_read(tokens[:count]) for tokens, count in zip(batch["inputs"].tolist(), real, strict=True)
    ]


def learned(texts: list[str], replies: list[str]) -> dict[str, str]:
    """For each word of the texts its phrase."""
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer

    counter: Any = CountVectorizer  # its types know no analyzer but a word
    words, runs = counter(analyzer=units, binary=True), counter(analyzer=phrases, binary=True, min_df=OFTEN)
    try:
        with_word, with_run = words.fit_transform(texts), runs.fit_transform(replies)
    except ValueError:  # no word, or no phrase that comes often enough
        return {}
    both = (with_word.T @ with_run).tocoo()
    alone, rows = (np.asarray(found.sum(0)).reshape(-1) for found in (with_run, with_word))
    likeness = 2 * both.data / (rows[both.row] + alone[both.col])
    spelled = runs.get_feature_names_out()
    order = np.lexsort((np.char.str_len(spelled.astype(str))[both.col], likeness, both.row))
    last = np.flatnonzero(np.append(np.diff(both.row[order]) > 0, True))  # of each word the likeliest comes last
    best = order[last]
    return dict(zip(words.get_feature_names_out()[both.row[best]], spelled[both.col[best]], strict=True))


def phrases(text: str) -> list[str]:
    """All runs of 1 to LONG words, spelled as they stand."""
    found = list(UNIT.finditer(text))
    return [
        text[first.start() : last.end()] for start, first in enumerate(found) for last in found[start : start + LONG]
    ]
