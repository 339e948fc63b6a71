"""What fitting the baselines will take, foretold from a few rounds on a few rows."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelwright.evaluation.baselines import drawn, features, linear, most_rounds
from modelwright.evaluation.dictionary import learned, read
from modelwright.evaluation.grams import counted
from modelwright.evaluation.ranking import baselines as of_vectors
from modelwright.evaluation.replying import wanted
from modelwright.evaluation.words import baselines as of_words
from modelwright.nouns import Batch, Classes, Codec, Reply, Tagged, Tokens, Vector

ROUNDS = 50
"""Rounds in which logistic regression usually comes to rest: 30 to 63 on our recipes."""
FEW = 4
"""Rounds that are timed."""
PARTS = 8
"""One row of so many is looked at."""
COUNTED = 5
"""How often the tokens are in memory while pairs of them are counted: before, after, as a pair, and sorted."""

DICTIONARY = 20
"""Bytes of words, phrases and their pairs for each byte of what is to be said; seen here on 30,000 pairs."""


@dataclass(frozen=True)
class Cost:
    seconds: float
    bytes: int


def baselines_cost(train: Batch, codec: Codec, asked: int) -> Cost:
    """Of fitting on the training rows and answering `asked` rows."""
    from scipy import sparse

    kind = codec.writes[0].kind
    if isinstance(kind, Reply):
        return _of_dictionary(train, codec)
    if isinstance(kind, Tagged):
        return _of_texts(of_words, train, codec, asked)
    if isinstance(kind, Vector):
        return _of_texts(of_vectors, train, codec, asked)
    if isinstance(kind, Tokens):
        return _of_grams(train, kind.alphabet)
    picked = drawn(train, codec)
    few = picked[::PARTS]
    part = {name: tensor[few] for name, tensor in train.items()}
    seen: Any = features(part, codec)
    size = int(seen.data.nbytes + seen.indices.nbytes if sparse.issparse(seen) else seen.nbytes)
    once = _seconds(seen, part, codec, 1)  # cold
    once = _seconds(seen, part, codec, 1)
    share, each = len(picked) / max(1, len(few)), size / max(1, len(few))
    memory = int(each * (len(picked) + asked))
    if not isinstance(codec.writes[0].kind, Classes):
        return Cost(once * share, memory)
    more = max(0.0, _seconds(seen, part, codec, 1 + FEW) - once) / FEW
    rounds = min(ROUNDS, most_rounds(codec.writes[0].kind, int(seen.size * share)))
    return Cost((once + more * rounds) * share, memory)


def _seconds(seen: Any, part: Batch, codec: Codec, rounds: int) -> float:
    began = time.perf_counter()
    linear(seen, part, seen[:1], codec, rounds)
    return time.perf_counter() - began


def _of_grams(train: Batch, alphabet: int) -> Cost:
    """Counted on one piece of PARTS."""
    few = {name: tensor[::PARTS] for name, tensor in train.items()}
    began = time.perf_counter()
    counted(few, alphabet)
    return Cost((time.perf_counter() - began) * PARTS, COUNTED * train["next"].nbytes)


def _of_texts(baselines: Callable[[Batch, Batch, Codec], object], train: Batch, codec: Codec, asked: int) -> Cost:
    """Counted on one row of PARTS, and as many answered."""
    few = {name: tensor[::PARTS] for name, tensor in train.items()}
    began = time.perf_counter()
    baselines(few, few, codec)
    each = (time.perf_counter() - began) / max(1, len(few["row"]))
    return Cost(each * (len(train["row"]) + asked), DICTIONARY * train["inputs"].nbytes)


def _of_dictionary(train: Batch, codec: Codec) -> Cost:
    """Learned from one row of PARTS."""
    few = {name: tensor[::PARTS] for name, tensor in train.items()}
    began = time.perf_counter()
    learned(read(few, codec), wanted(codec, few).to_list())
    return Cost((time.perf_counter() - began) * PARTS, DICTIONARY * train["next"].nbytes)
