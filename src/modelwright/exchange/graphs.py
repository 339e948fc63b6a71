"""The graph of an artifact: its module between a door for what a row says and a meaning for what comes out.

B batch, T time, N columns of numbers, K columns of categories, C classes. What is standardised, filled in, one-hot, softmaxed
or given its unit again is so inside the graph; what is left to a reader outside is spelling.
"""

from __future__ import annotations

import io
import warnings

import torch
from torch import Tensor, nn

from modelwright import __version__
from modelwright.data.codecs.columns.table import Category, Number, Table
from modelwright.data.codecs.labels import Labels, NumberLabels
from modelwright.data.codecs.pictures.gallery import Gallery
from modelwright.data.codecs.words.texts import PADDING
from modelwright.exchange.answer import MISSING
from modelwright.exchange.facts import Exportable
from modelwright.nouns import Batch, Refused
from modelwright.wording import say

OPSET = 17
"""onnxruntime has read it since 1.12, of 2022."""
TRIED = 2
"""Rows that the exporter is shown."""


class Plain(nn.Module):
    """Tensors in, tensors out, in the order of the graph's names."""

    def __init__(self, module: nn.Module, door: nn.Module, meaning: nn.Module) -> None:
        super().__init__()
        self.module, self.door, self.meaning = module, door, meaning

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        written: Batch = self.module(self.door(*given))
        return self.meaning(written["label"])


# --- doors --------------------------------------------------------------------------------------------------------------


class Pixels(nn.Module):
    """uint8 (B, C, H, W): the network itself takes the mean off and divides by the spread."""

    def forward(self, pixels: Tensor) -> Batch:
        return {"inputs": pixels}


class Tokens(nn.Module):
    """int64 (B, T): what is no padding is real."""

    def forward(self, tokens: Tensor) -> Batch:
        return {"inputs": tokens, "mask": tokens != PADDING}


class Cells(nn.Module):
    """numbers float64 (B, N), NaN where there is none, and categories int64 (B, K) -> inputs as the codec encodes them."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self.columns = table.columns
        numbers = [column for column in table.columns if isinstance(column, Number)]
        self.numbers, self.categories = len(numbers), len(table.columns) - len(numbers)
        self.mean, self.spread, self.fill = (
            nn.Buffer(torch.tensor(values, dtype=torch.float64))
            for values in (
                [column.mean for column in numbers],
                [column.spread for column in numbers],
                [column.mean if column.fill is None else column.fill for column in numbers],
            )
        )

    def forward(self, *given: Tensor) -> Batch:
        """Each column in its place, with what training rows taught it."""
        slots: list[Tensor] = []
        numbers, categories = given[0], given[-1]
        gone = numbers.isnan() if self.numbers else numbers
        standard = ((torch.where(gone, self.fill, numbers) - self.mean) / self.spread).float() if self.numbers else numbers
        at = {Number: 0, Category: 0}
        for column in self.columns:
            place = at[type(column)]
            at[type(column)] += 1
            if isinstance(column, Number):
                slots += [standard[:, place : place + 1]]
                slots += [gone[:, place : place + 1].float()] if column.flagged else []
            else:
                slots += [_filled(categories[:, place : place + 1], column)] if column.choices else []
        return {"inputs": torch.cat(slots, dim=1)}


def _filled(codes: Tensor, column: Category) -> Tensor:
    """int64 (B, 1) -> float32 (B, 1): a missing one has the place of its own, or of what it is filled in with."""
    stands_for = len(column.values) if column.fill is None else column.values.index(column.fill)
    return torch.where(codes == MISSING, torch.full_like(codes, stands_for), codes).float()


# --- meanings -----------------------------------------------------------------------------------------------------------


class Chances(nn.Module):
    """Logits -> raw (B, units), chances (B, C) and best int64 (B,), the place of the likeliest class."""

    def __init__(self, sigmoid: bool) -> None:
        super().__init__()
        self.sigmoid = sigmoid

    def forward(self, logits: Tensor) -> tuple[Tensor, ...]:
        if self.sigmoid:
            chances = torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=1)
            return logits, chances, (logits[:, 0] > 0).long()
        return logits, torch.softmax(logits, dim=1), logits.argmax(dim=1)


class Amount(nn.Module):
    """Standardised numbers -> raw (B, 1) and answer float64 (B,) in the label's own unit."""

    def __init__(self, labels: NumberLabels) -> None:
        super().__init__()
        self.mean, self.spread = labels.mean, labels.spread

    def forward(self, standard: Tensor) -> tuple[Tensor, ...]:
        return standard, standard[:, 0].double() * self.spread + self.mean


# --- the graph ----------------------------------------------------------------------------------------------------------


def graph(module: nn.Module, codec: Exportable) -> bytes:
    """An ONNX model in one piece, whose batches and texts may have any length. Refused where torch cannot write it down."""
    door, given, free = _door(codec)
    meaning, names = _meaning(codec.labels)
    axes = {**free, **{name: {0: "batch"} for name in names}}
    written = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # that this exporter is the older one: docs/decisions/0010
        try:
            torch.onnx.export(
                Plain(module, door, meaning).eval(), tuple(given.values()), dynamo=False, opset_version=OPSET,
                f=written,  # pyright: ignore[reportArgumentType]  the older exporter takes files too
                input_names=list(given), output_names=names, dynamic_axes=axes,
            )  # fmt: skip
        except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError, ValueError) as error:
            problem = str(error).strip().split("\n")[0]
            raise Refused(say("This network cannot be written as ONNX: {problem}", problem=problem)) from error
    return _plain(written.getvalue())


def _plain(model: bytes) -> bytes:
    """Without what the exporter notes about this machine: paths of source files, stack traces."""
    import onnx

    found = onnx.load_from_string(model)
    found.producer_name, found.producer_version, found.doc_string = "modelwright", __version__, ""
    for part in (found, found.graph, *found.graph.node, *found.graph.value_info, *found.graph.input, *found.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    onnx.checker.check_model(found, full_check=True)
    return found.SerializeToString(deterministic=True)


def _door(codec: Exportable) -> tuple[nn.Module, dict[str, Tensor], dict[str, dict[int, str]]]:
    """The door, tensors to try it with, and the names of those axes that may have any length."""
    if isinstance(codec, Table):
        door = Cells(codec)
        sizes = {"numbers": (door.numbers, torch.float64), "categories": (door.categories, torch.int64)}
        given = {name: torch.zeros(TRIED, size, dtype=dtype) for name, (size, dtype) in sizes.items() if size}
        return door, given, {name: {0: "batch"} for name in given}
    if isinstance(codec, Gallery):
        image = codec.image
        pixels = torch.zeros(TRIED, image.channels, image.height, image.width, dtype=torch.uint8)
        return Pixels(), {"inputs": pixels}, {"inputs": {0: "batch"}}
    return Tokens(), {"inputs": torch.ones(TRIED, 5, dtype=torch.int64)}, {"inputs": {0: "batch", 1: "time"}}


def _meaning(labels: Labels) -> tuple[nn.Module, list[str]]:
    if isinstance(labels, NumberLabels):
        return Amount(labels), ["raw", "answer"]
    return Chances(labels.sigmoid), ["raw", "chances", "best"]
