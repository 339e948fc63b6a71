"""Torch set as a tuning says, for a while. Knows no model."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from modelwright.machine.memory import give_back
from modelwright.nouns import Tuning


@contextmanager
def tuned(tuning: Tuning) -> Generator[None, None, None]:
    """Torch's threads and matmul precision as the tuning says, numbers too small for float32's normal form taken as zero;
    all of it as before at the end, and memory that is free given back. Such numbers are where the moments of weights that no
    longer move end up; a processor takes a hundred times as long over each."""
    import torch

    threads, precision, flushing = torch.get_num_threads(), torch.get_float32_matmul_precision(), flushes()
    torch.set_num_threads(tuning.threads)
    torch.set_float32_matmul_precision(tuning.precision)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        torch.set_flush_denormal(flushing)
        give_back()


def flushes() -> bool:
    """Whether torch takes denormal numbers as zero now; it can be set, but not asked."""
    import torch

    smallest = torch.full((8,), torch.finfo(torch.float32).smallest_normal)
    return bool((smallest / 2 == 0).all())


def float32_error(precision: str) -> float:
    """The largest error of a matrix product at this precision, as a share of the largest answer; float64 is the judge.

    "medium" is another library's float32 on most processors, and bfloat16 on those with AMX: only measuring tells."""
    import torch

    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(shape, generator=generator) for shape in ((64, 784), (784, 128)))
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        exact = a.double() @ b.double()
        return float(((a @ b) - exact).abs().max() / exact.abs().max())
    finally:
        torch.set_float32_matmul_precision(before)
