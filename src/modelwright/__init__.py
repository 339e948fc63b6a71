"""modelwright: a model through its whole life, from raw rows to proved answers. Opening it costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwright.notebook import compare, load, train

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "load", "train"]


def __getattr__(name: str) -> object:
    if name in ("compare", "train", "load"):
        from modelwright import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'modelwright' has no attribute {name!r}")
