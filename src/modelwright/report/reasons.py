"""An explanation as it is drawn: bars for columns, a heat map over a picture or spectra, coloured words. Knows no HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from modelwright.explanation.explaining import Explained
from modelwright.explanation.features import Features
from modelwright.report import figures
from modelwright.report.pictures import GRID
from modelwright.wording import say, together

BARS = 6
"""Features told by name; the rest speaks together."""
FAINT = 0.04
"""Of the strongest feature's colour: below, none is laid over a picture."""


@dataclass(frozen=True)
class Bar:
    name: str
    said: str
    share: float
    """Of the longest bar, -1 to 1; below 0 it speaks against the answer."""
    value: str


@dataclass(frozen=True)
class Patch:
    """A rectangle of a heat map, in pixels of the picture."""

    x: int
    y: int
    width: int
    height: int
    share: float


@dataclass(frozen=True)
class Word:
    text: str
    share: float
    spaced: bool
    """Whether a space stands before it."""


@dataclass(frozen=True)
class Why:
    """One explanation, drawn. One of bars, patches and words is there; of moments, patches over their spectra and bars."""

    about: str
    bars: tuple[Bar, ...] = ()
    patches: tuple[Patch, ...] = ()
    size: tuple[int, int] = (0, 0)
    """Width and height of the picture under the patches."""
    words: tuple[Word, ...] = ()


def why(found: Explained) -> Why:
    """How strongly each feature speaks for the answer, or against it."""
    features, strongest = found.features, found.strongest
    shares = [0.0 if math.isnan(value) else round(value / strongest, 3) for value in found.values]
    about = _about(found)
    if features.kind == "patches":
        return Why(about, patches=_patches(features, shares), size=(features.places.shape[-1], features.places.shape[-2]))
    if features.kind == "moments":
        size = (int((features.places[:, 0] < len(features.names)).sum()), features.places.shape[1])
        return Why(about, patches=tuple(_stripes(features, shares)), size=size, bars=tuple(_bars(found, shares)))
    if features.kind == "words":
        return Why(about, words=tuple(_words(features, shares)))
    if pixels := _pixels(features, shares):
        return Why(about, patches=pixels, size=(1 + max(one.x for one in pixels), 1 + max(one.y for one in pixels)))
    return Why(about, bars=tuple(_bars(found, shares)))


def _about(found: Explained) -> str:
    """by Shapley values, 2,600 questions, gap 0; taking away what speaks for it loses the answer sooner than chance does"""
    facts = {"method": method_name(found.method), "asked": f"{found.asked:,}", "gap": f"{found.gap:.2g}"}
    told = say("By {method}, {asked} questions, gap {gap}.", **facts)
    if found.unasked:
        told += " " + _unasked(found)
    if found.deletion.beats_random:
        return together(told, say("Without what speaks for it, the answer is lost sooner than by chance."))
    weak = say("Taking away what speaks for it loses the answer no sooner than chance does: trust it little.")
    return together(told, weak)


def _unasked(found: Explained) -> str:
    parts = {"asked": f"{len(found.order):,}", "all": f"{len(found.values):,}"}
    return say("The time sufficed for {asked} of its {all} parts: the others have no value.", **parts)


def method_name(method: str) -> str:
    return {
        "shapley": say("Shapley values"),
        "lime": "LIME",
        "integrated_gradients": say("integrated gradients"),
        "occlusion": say("occlusion"),
        "permutation": say("permutation importance"),
    }[method]


def _bars(found: Explained, shares: list[float]) -> list[Bar]:
    named = zip(found.features.names, found.features.said, shares, found.values, strict=True)
    every = [Bar(name, said[:40], share, figures.amount(value)) for name, said, share, value in named]
    return [every[place] for place in found.order[:BARS]]


def _patches(features: Features, shares: list[float]) -> tuple[Patch, ...]:
    import numpy as np

    places = features.places[0].numpy()
    found: list[Patch] = []
    for feature, share in enumerate(shares):
        if abs(share) < FAINT:
            continue
        down, across = np.nonzero(places == feature)
        x, y = int(across.min()), int(down.min())
        found.append(Patch(x, y, int(across.max()) - x + 1, int(down.max()) - y + 1, share))
    return tuple(found)


def _stripes(features: Features, shares: list[float]) -> Iterator[Patch]:
    """A moment is as high as its spectra: one step across is one pixel."""
    places = features.places[:, 0].tolist()
    for feature, share in enumerate(shares):
        if abs(share) >= FAINT and feature in places:
            yield Patch(places.index(feature), 0, places.count(feature), features.places.shape[1], share)


def _pixels(features: Features, shares: list[float]) -> tuple[Patch, ...]:
    """Columns named pixel_3_5 are a picture."""
    found = [(match.groups(), share) for name, share in zip(features.names, shares) if (match := GRID.fullmatch(name))]
    if len(found) * 2 <= len(features.names):
        return ()
    return tuple(Patch(int(across), int(down), 1, 1, share) for (down, across), share in found)


def _words(features: Features, shares: list[float]) -> list[Word]:
    """Chinese words stand close together."""
    found: list[Word] = []
    before = ""
    for text, share in zip(features.names, shares):
        found.append(Word(text, share, bool(before) and before[-1:].isascii() and text[:1].isascii()))
        before = text
    return found
