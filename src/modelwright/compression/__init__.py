"""The same answers from a smaller model. Verb: compress. Chosen on validation rows, judged once on test rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelwright.compression.board import Board, Contender, Pace
from modelwright.compression.edits import Adapted, Cut, Edit, Kept, Rounded
from modelwright.compression.section import Compression, Distill, Int8, Promise, Prune

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = [
    "Adapted", "Board", "Compression", "Contender", "Cut", "Distill", "Edit", "Int8", "Kept", "Pace", "Promise", "Prune",
    "Rounded", "shaped",
]  # fmt: skip


def shaped(module: Module, edits: tuple[Edit, ...]) -> Module:
    """The module after each edit in order: its structure alone, where it lies on the meta device."""
    for edit in edits:
        module = edit.shape(module)
    return module
