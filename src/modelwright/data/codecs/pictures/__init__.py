"""Pictures as a recipe orders them. Knows no picture; gallery.py does the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from modelwright.nouns import Classes, Count, Image, Rows, State

if TYPE_CHECKING:
    from modelwright.data.codecs.pictures.gallery import Gallery


@dataclass(frozen=True)
class Pictures:
    """Encoded pictures, paths of such, or arrays of bytes; grey where all training pictures are, else red, green and blue."""

    makes: ClassVar[tuple[type, ...]] = (Image,)

    label: str = "label"
    column: str = "picture"
    size: tuple[Count, Count] | None = None
    """Height and width that every picture is brought to; None: the one size that all training pictures have."""
    output: Literal["softmax", "sigmoid"] = "softmax"

    @property
    def wants(self) -> type:
        return Classes

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Gallery:
        from modelwright.data.codecs.pictures.gallery import fit

        return fit(self, chunks)

    def load(self, state: State) -> Gallery:
        from modelwright.data.codecs.pictures.gallery import load

        return load(self, state)
