"""A module that answers and does not learn."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from modelwright.nouns import Rows

if TYPE_CHECKING:
    from torch.nn import Module


@contextmanager
def at_rest(module: Module) -> Generator[None, None, None]:
    """The module answers and does not learn; afterwards each of its parts is as it was, and so is torch."""
    import torch

    modes = [(part, part.training) for part in module.modules()]
    precision = torch.get_float32_matmul_precision()
    module.eval()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_float32_matmul_precision(precision)
        for part, training in modes:
            part.training = training


def in_order(rows: Rows, batch: int) -> Iterator[Rows]:
    """All rows, so many at a time; nothing is copied."""
    for start in range(0, len(rows), batch):
        yield Rows(rows.ids[start : start + batch], rows.columns.slice(start, batch))
