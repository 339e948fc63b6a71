"""What a row is answered with: classes or numbers, learned from training rows, encoded, and decoded into the user's words.

The port is named "label"; as a model's output it carries logits (B, C), one logit (B, 1), or standardised numbers (B, 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl
import torch
from torch import Tensor

from modelwright.data.codecs.cells import (
    HOLE,
    UNSEEN,
    coded,
    faults,
    joined,
    keys,
    missing_faults,
    never_there,
    no_faults,
    numbered,
    require,
    spelled,
    tally,
    texts,
)  # fmt: skip
from modelwright.nouns import Batch, Classes, Faults, Numbers, Port, Refused, Rows
from modelwright.wording import say

UNKNOWN = -1
"""The class of a row whose label is missing or was never seen; NaN for a number."""
FAR = 1e18
"""Spreads away from the mean."""
AMOUNT = 1000
"""More classes than this, most of them with one row only, are no classes."""


@dataclass(frozen=True)
class ClassLabels:
    column: str
    names: tuple[str, ...]
    """As the training rows spell them most often; numbers in their order, else by alphabet."""
    sigmoid: bool
    blanks: tuple[str, ...]

    @property
    def port(self) -> Port:
        return Port("label", Classes(self.names, self.sigmoid))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(keys(pl.Series(self.names, dtype=pl.String), ()))

    def encode(self, rows: Rows) -> tuple[Tensor | None, Faults]:
        """int64 (B,), UNKNOWN where faulty; None where the rows have no such column."""
        if self.column not in rows.columns.columns:
            return None, no_faults()
        text = texts(rows.columns[self.column])
        cells = coded(text, self.keys, self.blanks)
        unseen = cells.codes == UNSEEN
        sentence = say('"{value}" is not among the labels of the training rows.', value=HOLE)
        strange = faults(rows.ids[unseen], self.column, sentence, text.filter(pl.Series(unseen)))
        label = torch.from_numpy(np.maximum(cells.codes, UNKNOWN).astype(np.int64))
        return label, pl.concat([missing_faults(rows, self.column, cells.missing), strange])

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """answer: the likeliest name; chances Array(Float32, C): softmax, or sigmoid for the second of two."""
        logits = outputs["label"].detach().float().cpu()
        if self.sigmoid:
            logits = logits.reshape(-1, 1)
            chances, best = torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=1), (logits[:, 0] > 0).long()
        else:
            chances, best = torch.softmax(logits, dim=1), logits.argmax(dim=1)
        answer = pl.Series("answer", self.names, dtype=pl.String).gather(best.numpy())
        return pl.DataFrame([answer, pl.Series("chances", chances.numpy(), dtype=pl.Array(pl.Float32, len(self.names)))])

    def facts(self) -> dict[str, Any]:
        told = {"names": list(self.names), "sigmoid": self.sigmoid, "blanks": list(self.blanks)}
        return {"kind": "class", "column": self.column, **told}


@dataclass(frozen=True)
class NumberLabels:
    column: str
    mean: float
    spread: float
    blanks: tuple[str, ...]

    @property
    def port(self) -> Port:
        return Port("label", Numbers(1))

    def encode(self, rows: Rows) -> tuple[Tensor | None, Faults]:
        """float32 (B, 1), standardised, NaN where faulty; None where the rows have no such column."""
        if self.column not in rows.columns.columns:
            return None, no_faults()
        cells = numbered(rows.columns[self.column], self.blanks)
        standard, far = standardised(cells.values, self.mean, self.spread)
        standard[far] = np.nan
        gone = missing_faults(rows, self.column, cells.missing)
        wrong = [unparsable_faults(rows, self.column, cells.unparsable), far_faults(rows, self.column, far)]
        return torch.from_numpy(standard.astype(np.float32)[:, None]), pl.concat([gone, *wrong])

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """answer Float64 in the user's own unit."""
        standard = outputs["label"].detach().cpu().double().reshape(-1).numpy()
        return pl.DataFrame({"answer": standard * self.spread + self.mean})

    def facts(self) -> dict[str, Any]:
        return {"kind": "number", "column": self.column, "mean": self.mean, "spread": self.spread, "blanks": list(self.blanks)}


Labels: TypeAlias = ClassLabels | NumberLabels


def unparsable_faults(rows: Rows, column: str, where: np.ndarray) -> Faults:
    sentence = say('"{value}" is not a number.', value=HOLE)
    return faults(rows.ids[where], column, sentence, texts(rows.columns[column]).filter(pl.Series(where)))


def standardised(values: np.ndarray, mean: float, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """float64 (N,), and bool (N,) where it is so far away that its square is no float32."""
    with np.errstate(over="ignore"):
        standard = (values - mean) / spread
    return standard, np.abs(standard) > FAR


def far_faults(rows: Rows, column: str, where: np.ndarray) -> Faults:
    sentence = say('"{value}" is too far from the numbers of the training rows.', value=HOLE)
    return faults(rows.ids[where], column, sentence, texts(rows.columns[column]).filter(pl.Series(where)))


def labelled(tensors: Batch, rows: Rows, labels: Labels, found: list[Faults]) -> tuple[Batch, Faults]:
    """The batch with row ids and, where the rows have them, labels; and all its faults."""
    label, wrong = labels.encode(rows)
    batch = {**tensors, "row": torch.from_numpy(rows.ids.astype(np.int64))}
    return batch if label is None else {**batch, "label": label}, joined([*found, wrong])


def learn_labels(
    frame: pl.DataFrame, column: str, blanks: Sequence[str], target: Literal["class", "number"] = "class", sigmoid: bool = False
) -> Labels:
    """From training rows alone. Refused: no such column, no value, one class only, or classes that do not fit the output."""
    require(frame, [column], never_there)
    learn = learn_numbers if target == "number" else learn_classes
    return learn(frame[column], tuple(blanks), sigmoid)


def learn_numbers(label: pl.Series, blanks: tuple[str, ...], sigmoid: bool = False) -> NumberLabels:
    values = numbered(label, blanks).values
    values = values[~np.isnan(values)]
    if not len(values):
        raise Refused(say('No training row has a number in the label column "{column}".', column=label.name))
    return NumberLabels(label.name, *mean_and_spread(label.name, values), blanks)


def mean_and_spread(column: str, values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation (of N, not N - 1); the spread of values that are all the same is 1."""
    if values.min() == values.max():
        return float(values[0]), 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = float(values.mean()), float(values.std())
    if not 0 < spread < np.inf:
        raise Refused(say('The numbers of column "{column}" are too large or too close to be told apart.', column=column))
    return mean, spread


def learn_classes(label: pl.Series, blanks: tuple[str, ...], sigmoid: bool) -> ClassLabels:
    seen = tally(spelled(texts(label)), blanks)
    names = seen["shown"].to_list()
    if len(names) < 2:
        found = ", ".join(f'"{name}"' for name in names) or say("none")
        raise Refused(
            say('The training rows need two classes at least in the label column "{column}"; found: {found}.',
                column=label.name, found=found)
        )  # fmt: skip
    if sigmoid and len(names) != 2:
        raise Refused(
            say('output = "sigmoid" is for two classes; the label column "{column}" has {n}. Use output = "softmax".',
                column=label.name, n=f"{len(names):,}")
        )  # fmt: skip
    if len(names) > AMOUNT and seen["count"].median() == 1:
        raise Refused(
            say('The label column "{column}" has {n} different values, most only once. If it is a number: target = "number".',
                column=label.name, n=f"{len(names):,}")
        )  # fmt: skip
    return ClassLabels(label.name, in_order(names), sigmoid, blanks)


def in_order(names: Sequence[str]) -> tuple[str, ...]:
    """Numbers by size where all are numbers, else by alphabet."""
    values = numbered(pl.Series(names, dtype=pl.String), ()).values
    if np.isnan(values).any():
        return tuple(sorted(names))
    return tuple(name for _, name in sorted(zip(values.tolist(), names)))


def load_labels(facts: Mapping[str, Any]) -> Labels:
    """The inverse of facts(). KeyError or ValueError where they are damaged."""
    blanks = tuple(facts["blanks"])
    if facts["kind"] == "number":
        return NumberLabels(facts["column"], float(facts["mean"]), float(facts["spread"]), blanks)
    if facts["kind"] != "class":
        raise ValueError(f"a label of kind {facts['kind']!r}")
    return ClassLabels(facts["column"], tuple(facts["names"]), bool(facts["sigmoid"]), blanks)
