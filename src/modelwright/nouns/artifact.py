"""What leaves a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from modelwright.nouns.figures import Score
from modelwright.nouns.promises import Codec, Edit, Family, Metric
from modelwright.nouns.rows import Part

if TYPE_CHECKING:
    import numpy as np
    from torch.nn import Module


@dataclass(frozen=True)
class Reference:
    """How a recipe names a teacher or a base: a folder and, once resolved, its digest."""

    path: str
    digest: str = ""


@dataclass(frozen=True)
class Origin:
    """Whose weights a model began with."""

    model: str
    """As its makers name it."""
    format: str
    """In which its weights came: huggingface or gguf."""
    digest: str
    """SHA-256 of the files of its weights, one after the other in the order of their names."""
    licence: str = ""
    """As its makers name it; empty: they do not say."""
    revision: str = ""
    """The commit of the hub it lay in; empty: it was a folder."""
    base: str = ""
    """What its makers began with, as they name it."""


@dataclass(frozen=True)
class Artifact:
    """A model with all that is needed to use it. Never a user's row: only ids, the split rule and fingerprints."""

    family: Family
    codec: Codec
    module: Module = field(repr=False)
    edits: tuple[Edit, ...] = ()
    base: Reference | None = None
    origin: Origin | None = None
    """None: nobody's, its weights were drawn."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """Where its rows came from and the rule that split them, as the recipe wrote it; of a path the last name alone."""
    rows: Mapping[Part, np.ndarray] = field(default_factory=dict, repr=False)
    """Row ids of each part."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """data and recipe, SHA-256."""
    metrics: tuple[Metric, ...] = ()
    """What it was judged by."""
    scores: tuple[Score, ...] = ()
    tolerance: Mapping[str, float] = field(default_factory=dict)
    """Largest difference between answers across batch shapes, measured here, by dtype."""
    story: tuple[str, ...] = ()
    """One line per verb that shaped it, oldest first."""

    def told(self, line: str) -> Artifact:
        return replace(self, story=(*self.story, line))
