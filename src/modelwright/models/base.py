"""Family: that of an artifact, whose weights the model begins with. Here the artifact is only named; the life opens it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from modelwright.models.lora import Lora
from modelwright.models.unfreeze import Unfreeze
from modelwright.nouns import Cells, Classes, Image, Numbers, Port, Series, Tagged, Tokens, Vector

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Base:
    """Goes on where another model ended. Rows are read as it reads them; a head that answers something else is drawn anew."""

    accepts: ClassVar[tuple[type, ...]] = (Numbers, Cells, Tokens, Series, Image)
    writes: ClassVar[tuple[type, ...]] = (Classes, Numbers, Tokens, Tagged, Vector)

    artifact: Path
    """Its folder."""
    train: tuple[str, ...] = ()
    """What learns: how the names of weights begin, as "heads" or "blocks.5"; others stay as they are. Empty: all learn."""
    lora: Lora | None = None
    """Two thin matrices learn beside each frozen one; of the base's own weights those of `train` alone, empty: none."""
    unfreeze: tuple[Unfreeze, ...] = ()
    """What learns later, in any order; `train` is what learns from the beginning."""

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module:
        raise TypeError("the life opens an artifact and builds its family")
