"""Unigram is learned (T. Kudo 2018, https://arxiv.org/abs/1804.10959): of many pieces those stay that texts need most.

The library's own trainer sums in the order of a hash table and gives another tokenizer at each call; so the sums are made here,
in one order, of additions and products alone. What is read with it afterwards is the library's.

N words of one length, L letters of a word, M letters of a piece, P pieces. A letter is a byte (spelled_bytes).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.data.codecs.tokens.foreign import Adopted
from modelwright.data.codecs.tokens.subwords import Folding, Unigram
from modelwright.data.codecs.tokens.tokenizing import Controls, library, spelled_bytes
from modelwright.data.codecs.tokens.wordpieces import normalizer

if TYPE_CHECKING:
    import polars as pl

SPECIAL = ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
"""Their numbers are their places."""
CONTROLS = Controls(begin=(2,), end=(3,), stops=(3,), never=(0, 1, 2, 4), padding=0, unknown=1, mask=4)
LONGEST = 16
"""Letters of a piece."""
CUT = 32
"""Letters of a word: a longer one is learned from in parts."""
SEEDS = 10
"""Pieces at the beginning, for each that stays."""
KEPT = 0.75
"""What stays when pieces are left out."""
ROUNDS = 2
"""Of estimation, each time before pieces are left out."""
LITTLE = 0.01
"""How often a piece stands at least: letters that no text has are pieces too."""
SCALE = 32.0
"""By which a chance is multiplied for each letter of its piece: it changes no share, and no word leaves the range of floats."""


@dataclass(frozen=True)
class Words:
    """Words of one length, and which pieces lie in them."""

    counts: np.ndarray
    """float64 (N,)"""
    pieces: np.ndarray
    """int64 (L, M, N): the piece that begins at a letter and has M letters, one for the first place; P: there is none."""


def fit(kind: Unigram, texts: Callable[[], Iterator[pl.Series]]) -> Adopted:
    """Of all these texts, none of them null. Refused: the library is not there."""
    counts = _counted(_tokenizer(kind.folding, []), texts)
    wanted = kind.vocabulary - len(SPECIAL)
    found = _seeds(counts, SEEDS * wanted)
    names, often = list(found), np.array([*found.values()], np.float64)
    words = _words(counts, names)
    while True:
        for _ in range(ROUNDS):
            often = _expected(words, _weights(names, often))
        if len(names) <= wanted:
            break
        kept = _needed(names, often, max(wanted, int(KEPT * len(names))))
        words = [_without(some, kept, len(names)) for some in words]
        names, often = [names[place] for place in kept], often[kept]
    scores = np.log(_chances(often)).round(6).tolist()
    scored = sorted(zip(names, scores), key=lambda pair: (-pair[1], pair[0]))
    return Adopted(_tokenizer(kind.folding, scored).to_str(), CONTROLS, len(SPECIAL) + len(scored))


def _tokenizer(folding: Folding, scored: list[tuple[str, float]]) -> Any:
    """The library's, of these pieces and the natural logarithm of the chance of each."""
    made = library()
    tokenizer = made.Tokenizer(made.models.Unigram([*((name, 0.0) for name in SPECIAL), *scored], CONTROLS.unknown))
    tokenizer.normalizer = normalizer(folding)
    tokenizer.pre_tokenizer = made.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = made.decoders.ByteLevel()
    around = [(SPECIAL[number], number) for number in (*CONTROLS.begin, *CONTROLS.end)]
    tokenizer.post_processor = made.processors.TemplateProcessing(single="<s> $A </s>", special_tokens=around)
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def _counted(tokenizer: Any, texts: Callable[[], Iterator[pl.Series]]) -> dict[str, int]:
    """How often each word comes, its bytes as letters; by count, then by alphabet."""
    counts = Counter[str]()
    for some in texts():
        for text in some:
            split = tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))
            counts.update(word[start : start + CUT] for word, _ in split for start in range(0, len(word), CUT))
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _seeds(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """Every letter, and the stretches that come twice at least and cover most letters; how often each comes, 1 at least."""
    found = Counter[str]()
    for word, count in counts.items():
        for start in range(len(word)):
            for stop in range(start + 1, min(len(word), start + LONGEST) + 1):
                found[word[start:stop]] += count
    often = [(piece, count) for piece, count in found.items() if count > 1 and len(piece) > 1]
    often.sort(key=lambda pair: (-pair[1] * len(pair[0]), pair[0]))
    return {sign: max(1, found[sign]) for sign in sorted(spelled_bytes())} | dict(often[:most])


def _words(counts: Mapping[str, float], names: Sequence[str]) -> list[Words]:
    """Words by their length, the shortest first."""
    place_of, none = {name: place for place, name in enumerate(names)}, len(names)
    by_length: dict[int, list[str]] = {}
    for word in counts:
        by_length.setdefault(len(word), []).append(word)
    found: list[Words] = []
    for length, words in sorted(by_length.items()):
        pieces = np.full((length, min(length, LONGEST), len(words)), none)
        for start in range(length):
            for more in range(min(LONGEST, length - start)):
                pieces[start, more] = [place_of.get(word[start : start + more + 1], none) for word in words]
        found.append(Words(np.array([counts[word] for word in words], np.float64), pieces))
    return found


def _without(words: Words, kept: np.ndarray, count: int) -> Words:
    """The same words, of `count` pieces the kept ones alone, numbered anew."""
    number = np.full(count + 1, len(kept))
    number[kept] = np.arange(len(kept))
    return Words(words.counts, number[words.pieces])


def _chances(often: np.ndarray) -> np.ndarray:
    """(P,), none of them 0."""
    found = np.maximum(often, LITTLE)
    return found / found.sum()


def _weights(names: Sequence[str], often: np.ndarray) -> np.ndarray:
    """(P + 1,): chances, times SCALE for each letter; of no piece 0."""
    lengths = np.array([len(name) for name in names])
    return np.append(_chances(often) * np.cumprod(np.full(LONGEST, SCALE))[lengths - 1], 0.0)


def _expected(words: list[Words], weights: np.ndarray) -> np.ndarray:
    """float64 (P,): how often each piece stands in all words, over all ways to cut them, each as likely as its pieces are."""
    found = np.zeros(len(weights))
    for some in words:
        weight = weights[some.pieces]
        length, longest, _ = weight.shape
        before, after = np.zeros((2, length + 1, weight.shape[2]))
        before[0] = after[length] = 1
        for start in range(length):
            for more in range(min(longest, length - start)):
                before[start + more + 1] += before[start] * weight[start, more]
        for start in range(length - 1, -1, -1):
            for more in range(min(longest, length - start)):
                after[start] += weight[start, more] * after[start + more + 1]
        share = some.counts / before[length]
        for start in range(length):
            for more in range(min(longest, length - start)):
                here = before[start] * weight[start, more] * after[start + more + 1] * share
                found += np.bincount(some.pieces[start, more], here, len(found))
    return found[:-1]


def _needed(names: Sequence[str], often: np.ndarray, count: int) -> np.ndarray:
    """Places of `count` pieces, ascending: all letters, and those without which the texts would become least likely."""
    weights, loss = _weights(names, often), np.full(len(names), np.inf)
    for some in _words(dict.fromkeys(names, 1), names):
        length, longest, _ = some.pieces.shape
        if length == 1:
            continue
        own = some.pieces[0, length - 1]
        best = np.zeros((length + 1, some.pieces.shape[2]))
        best[0] = 1
        for start in range(length):
            for more in range(min(longest, length - start) - (start == 0)):
                reached = best[start + more + 1]
                np.maximum(reached, best[start] * weights[some.pieces[start, more]], out=reached)
        loss[own] = often[own] * np.log(weights[own] / best[length])
    return np.sort(np.argsort(-loss, kind="stable")[:count])
