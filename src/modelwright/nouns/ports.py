"""What a tensor means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Numbers:
    """float32 (B, F). As something to write: F numbers, standardised with the codec's own mean and spread."""

    count: int


@dataclass(frozen=True)
class Cells:
    """float32 (B, K), one cell of a table each. choices[k] is 0 where column k is a standardised number; else how many choices
    it has, and a cell is the place of one, below 0 of none: the model itself unfolds it into so many slots, one of them 1."""

    choices: tuple[int, ...]

    @property
    def width(self) -> int:
        """Slots, once choices are unfolded."""
        return sum(max(1, choices) for choices in self.choices)


@dataclass(frozen=True)
class Classes:
    """A label int64 (B,); as a model's output logits (B, C), or one logit (B, 1) for the second of two names."""

    names: tuple[str, ...]
    sigmoid: bool = False

    @property
    def units(self) -> int:
        return 1 if self.sigmoid else len(self.names)


@dataclass(frozen=True)
class Tokens:
    """int64 (B, T), each below `alphabet`; comes with a mask (B, T). As something to write: what follows each step; as a
    model's output logits (B, T, alphabet)."""

    alphabet: int
    longest: int
    padding: int | None = 0
    """The number under padding, which no step has that is real; None: every number may be real."""


@dataclass(frozen=True)
class Reply(Tokens):
    """To be written alone: a text of its own, in answer to another that was read; all that holds of tokens holds of it. What
    was said of it so far is read as a second port of tokens, whose mask bears its name: before, before_mask."""

    shared: bool = False
    """Whether its tokens are those of what is read: the same numbers mean the same."""


@dataclass(frozen=True)
class Gaps(Tokens):
    """To be written alone: what was cut out of a text, in the tokens of the text; read and written as a reply is."""


@dataclass(frozen=True)
class Hidden(Tokens):
    """To be written alone: what stands in truth at steps that are hidden or exchanged, of which a batch says `bears` (B, T);
    all that holds of tokens holds of it, but that a model's logits are (P, alphabet): of those P steps, row after row."""


@dataclass(frozen=True)
class Tagged:
    """As something to write: a tag for each word, int64 (B, T), read at the word's first token, of which a batch says `bears`
    (B, T); as a model's output logits (P, C) of those P steps, row after row."""

    tags: tuple[str, ...]
    scheme: Literal["iob2", "bioes", "none"] = "iob2"
    """How tags say where an entity begins and ends; none: they say nothing of the kind."""


@dataclass(frozen=True)
class Series:
    """float32 (B, T, F); comes with a mask (B, T)."""

    count: int
    longest: int


@dataclass(frozen=True)
class Image:
    """uint8 (B, C, H, W); the model itself takes `mean` off and divides by `spread`, each (C,) on the 0 to 255 scale."""

    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True)
class Vector:
    """As something to write: float32 (B, D), what a row is like; rows that are alike have vectors that point the same way."""

    width: int
    unit: bool
    """Whether its length is 1."""
    scored: bool = False
    """Whether rows say how alike two of them are."""


PortKind: TypeAlias = "Numbers | Cells | Classes | Tokens | Reply | Gaps | Hidden | Tagged | Series | Image | Vector"


@dataclass(frozen=True)
class Port:
    """A named tensor and what it means. A codec says which ports a model reads and which it must write."""

    name: str
    kind: PortKind
