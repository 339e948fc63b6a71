"""Rows in, Answers out: the model as it will be used, in float32 and without dropout. B rows in a batch, C classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from modelwright.data.codecs.columns import BLANKS, Columns
from modelwright.data.feed import batches, gathered
from modelwright.evaluation import following, ranking, replying, words
from modelwright.evaluation.resting import at_rest, in_order
from modelwright.nouns import Answers, Batch, Classes, Codec, Encoding, Faults, Image, Port, Reply, Rows, Tagged, Tokens, Vector

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor
    from torch.nn import Module

PIXELS = 2**18
"""Of pictures that a processor answers at a time: a layer's maps are some ten times as many numbers, and stay in its caches."""
STATES = 2**24
"""Numbers that the widest layer makes of the steps that are answered at a time."""


def answer(module: Module, codec: Codec, batches: Iterable[Batch]) -> Answers:
    """What the module says to rows that are tensors already: none of them faulty. Of replies only how likely it finds those
    that are wanted; replied() says them as well."""
    import torch

    port = codec.writes[0]
    if isinstance(port.kind, Tokens):
        return following.answer(module, codec, batches)
    if isinstance(port.kind, Tagged):
        return words.answer(module, codec, batches)
    if isinstance(port.kind, Vector):
        return ranking.answer(module, codec, batches, _outputs)
    ids: list[Tensor] = []
    outputs: list[Tensor] = []
    labels: list[Tensor] = []
    with at_rest(module):
        for batch in batches:
            outputs.append(_outputs(module, codec, batch))
            ids.append(batch["row"].cpu())
            labels += [batch[port.name].cpu()] if port.name in batch else []
    if not outputs:
        return Answers(empty(port), port)
    written = torch.cat(outputs)
    frame = _frame(codec, torch.cat(ids), written, torch.cat(labels) if labels else None)
    return Answers(frame, port)


def replied(module: Module, codec: Codec, batches: Iterable[Batch]) -> Answers:
    """As answer(), with the reply that the module gives to each row."""
    return replying.answer(module, codec, batches)


def answers_of(codec: Codec, batch: Batch, written: Tensor) -> Answers:
    """What something that is no module wrote for a batch, (B, units) as a module would, as Answers."""
    port = codec.writes[0]
    return Answers(_frame(codec, batch["row"], written, batch.get(port.name)), port)


def answer_rows(module: Module, codec: Codec, rows: Rows, batch: int = 1024) -> Answers:
    """What the module says to raw rows; a row that could not be read has its fault in place of an answer."""
    import polars as pl

    port = codec.writes[0]
    if isinstance(port.kind, Reply):
        return replying.answer_rows(module, codec, rows, batch)
    if isinstance(port.kind, Tokens):
        return following.answer_rows(module, codec, rows, batch)
    if isinstance(port.kind, Tagged):
        return words.answer_rows(module, codec, rows, batch)
    if isinstance(port.kind, Vector):
        return ranking.answer_rows(module, codec, rows, batch, _outputs)
    frames: list[pl.DataFrame] = []
    with at_rest(module):
        for part in in_order(rows, batch):
            tensors, faults = codec.encode(part)
            frame = _frame(codec, tensors["row"], _outputs(module, codec, tensors), tensors.get(port.name))
            frames.append(_with_faults(frame, faults, part, codec.encoding, port))
    return Answers(pl.concat(frames) if frames else empty(port), port)


def outputs(module: Module, codec: Codec, rows: Rows, batch: int) -> Iterator[Tensor]:
    """What the module itself writes for raw rows, (B, units) float32 a batch."""
    with at_rest(module):
        for part in in_order(rows, batch):
            tensors, _ = codec.encode(part)
            yield _outputs(module, codec, tensors)


def _outputs(module: Module, codec: Codec, batch: Batch) -> Tensor:
    """(B, units) float32 on the CPU."""
    import torch

    weight = next(module.parameters(), None)
    device = weight.device if weight is not None else torch.device("cpu")
    rows = len(batch["row"])
    size = min(at_once(codec.reads, rows), steps_at_once(module, batch)) if device.type == "cpu" else rows
    order = batch["mask"].sum(1).argsort(stable=True) if "mask" in batch and size < rows else None  # alike in length
    found: list[Tensor] = []
    with torch.autocast(device.type, enabled=False):
        for some in batches(batch if order is None else gathered(batch, order), size) if size < rows else (batch,):
            written: Batch = module({name: tensor.to(device) for name, tensor in some.items()})
            found.append(written[codec.writes[0].name].float().cpu())
    return torch.cat(found) if order is None else torch.cat(found)[order.argsort()]


def at_once(reads: tuple[Port, ...], rows: int) -> int:
    """How many of the rows a processor answers at a time: of pictures fewer, the larger they are; else all of them."""
    images = [port.kind for port in reads if isinstance(port.kind, Image)]
    pixels = sum(image.channels * image.height * image.width for image in images)
    return min(rows, max(1, PIXELS // pixels)) if images else rows


def steps_at_once(module: Module, batch: Batch) -> int:
    """How many rows of so many steps a processor answers at a time: the wider the module's layers, the fewer."""
    from torch.nn import Embedding

    rows = len(batch["row"])
    if "mask" not in batch or not rows:
        return rows
    layers = [layer for layer in module.modules() if not isinstance(layer, Embedding)]
    wide = [weight.shape[0] for layer in layers for weight in layer.parameters(recurse=False) if weight.ndim == 2]
    return min(rows, max(1, STATES // (max(wide, default=1) * batch["mask"].shape[1])))


def _frame(codec: Codec, ids: Tensor, written: Tensor, label: Tensor | None) -> pl.DataFrame:
    """The columns of Answers, no row faulty yet; not in one piece with the tensors."""
    import polars as pl

    port = codec.writes[0]
    said = codec.decode({port.name: written})
    none = empty(port)
    columns = {
        "row": pl.Series(ids.numpy()),
        "label": _labels(codec, label) if label is not None else pl.Series([None] * len(ids), dtype=none.schema["label"]),
        **{name: said[name] for name in said.columns},
        "fault": pl.Series([None] * len(ids), dtype=pl.String),
    }
    return pl.DataFrame({name: columns[name].cast(dtype) for name, dtype in none.schema.items()})


def _labels(codec: Codec, label: Tensor) -> pl.Series:
    """Labels as they stand in the rows: names, or numbers in their own unit. Unknown is null."""
    import polars as pl

    port = codec.writes[0]
    if isinstance(port.kind, Classes):
        names = pl.Series(port.kind.names, dtype=pl.String)
        places = pl.Series(label.reshape(-1).to("cpu").numpy()).cast(pl.Int64)
        known = (places >= 0) & (places < len(names))
        return names.gather(pl.select(pl.when(known).then(places)).to_series())
    numbers = codec.decode({port.name: label.reshape(len(label), -1)})["answer"].cast(pl.Float64)
    return numbers.fill_nan(None)


def _with_faults(frame: pl.DataFrame, faults: Faults, rows: Rows, encoding: Encoding, port: Port) -> pl.DataFrame:
    """Faulty rows lose their answer. A fault of the label alone leaves the answer, and the label is told as it stands."""
    import polars as pl

    if faults.is_empty():
        return frame
    label, blanks = encoding.label, encoding.blanks if isinstance(encoding, Columns) else BLANKS
    sentence = pl.col("sentence")
    if isinstance(encoding, Columns):  # of several columns the one at fault is named
        sentence = pl.concat_str(pl.col("column"), pl.lit(": "), sentence)
    told = faults.group_by("row", maintain_order=True).agg(
        sentence.str.join(" ").alias("told"), pl.col("column").ne_missing(label).any().alias("unread")
    )
    joined = frame.join(told, on="row", how="left", maintain_order="left")
    if label is not None and label in rows.columns.columns and isinstance(port.kind, Classes):
        raw = rows.columns[label].cast(pl.String).str.strip_chars()
        as_it_stands = pl.DataFrame({"row": rows.ids, "raw": raw}).filter(~pl.col("raw").is_in(blanks))
        joined = joined.join(as_it_stands, on="row", how="left", maintain_order="left")
        joined = joined.with_columns(pl.when(pl.col("told").is_null()).then("label").otherwise("raw").alias("label"))
    unread = pl.col("unread").fill_null(False)
    lost = [pl.when(~unread).then(name).alias(name) for name in ("answer", "chances") if name in frame.columns]
    return joined.with_columns(*lost, pl.col("told").alias("fault")).select(frame.columns)


def empty(port: Port) -> pl.DataFrame:
    """No row, and every column with its type."""
    import polars as pl

    if isinstance(port.kind, Reply):
        return replying.empty()
    if isinstance(port.kind, Tokens):
        return following.empty(port.kind)
    if isinstance(port.kind, Tagged):
        return words.empty()
    if isinstance(port.kind, Vector):
        return ranking.empty(port)
    if not isinstance(port.kind, Classes):
        return pl.DataFrame(schema={"row": pl.Int64, "label": pl.Float64, "answer": pl.Float64, "fault": pl.String})
    chances = {"chances": pl.Array(pl.Float32, len(port.kind.names))}
    return pl.DataFrame(schema={"row": pl.Int64, "label": pl.String, "answer": pl.String, **chances, "fault": pl.String})
