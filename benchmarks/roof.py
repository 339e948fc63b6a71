"""What this machine can do at most: FLOP/s of a matrix product of 1024, by type and threads, each as torch does it best.

    python benchmarks/roof.py
"""

from __future__ import annotations

import json
import sys
import time

import torch


def peak(dtype: torch.dtype, precision: str, size: int = 1024, seconds: float = 1.0) -> float:
    """The best FLOP/s within these seconds."""
    torch.set_float32_matmul_precision(precision)
    a, b = torch.randn(2, size, size).to(dtype)
    best, ends = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < ends:
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def main() -> None:
    found: dict[str, float] = {}
    for threads in sorted({1, torch.get_num_threads()}):
        torch.set_num_threads(threads)
        found[f"float32 {threads}"] = max(peak(torch.float32, "highest"), peak(torch.float32, "medium"))
        found[f"bfloat16 {threads}"] = peak(torch.bfloat16, "highest")
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
