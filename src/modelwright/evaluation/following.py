"""How likely a model finds what follows: Answers of tokens, a line for each piece of a row. B pieces, T time, A alphabet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from modelwright.data import batches
from modelwright.data.feed import gathered
from modelwright.evaluation.resting import at_rest, in_order
from modelwright.nouns import Answers, Batch, Codec, Faults, Hidden, PortKind, Reply, Rows, Tokens
from modelwright.objectives.next_token import losses

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor
    from torch.nn import Module

LOGITS = 2**24
"""Numbers that a model writes at a time: 64 MB of float32, and as much again for their logarithms."""


def answer(module: Module, codec: Codec, fed: Iterable[Batch]) -> Answers:
    """What the module says to pieces that are tensors already."""
    import polars as pl

    port = codec.writes[0]
    with at_rest(module):
        frames = [lines(batch, *said(module, codec, batch)) for batch in fed]
    return Answers(pl.concat(frames) if frames else empty(port.kind), port)


def answer_rows(module: Module, codec: Codec, rows: Rows, size: int) -> Answers:
    """What the module says to raw rows; a row that could not be read is a line with its fault alone."""
    import polars as pl

    port = codec.writes[0]
    frames = [empty(port.kind)]
    with at_rest(module):
        for part in in_order(rows, size):
            batch, faults = codec.encode(part)
            frames += [lines(batch, *said(module, codec, batch)), faulty(faults, port.kind)]
    return Answers(pl.concat(frames), port)


def nats(module: Module, codec: Codec, batch: Batch, size: int | None = None) -> Tensor:
    """float64 (B,): -ln of the chance that the module gives to all that bears loss in a piece; size: pieces at a time."""
    return said(module, codec, batch, size)[0]


def said(module: Module, codec: Codec, batch: Batch, size: int | None = None) -> tuple[Tensor, Tensor | None]:
    """float64 (B,) nats, and of hidden tokens int64 (B,) how many of those asked for are the likeliest to the module."""
    import torch

    port = codec.writes[0]
    weight = next(module.parameters(), None)
    device = weight.device if weight is not None else torch.device("cpu")
    order = batch["mask"].sum(1).argsort(stable=True)  # alike in length, so that next to none of it is padding
    hidden = isinstance(port.kind, Hidden)
    found, hits = [torch.zeros(0, dtype=torch.float64)], [torch.zeros(0, dtype=torch.int64)]
    with torch.autocast(device.type, enabled=False):
        for part in batches(gathered(batch, order), size or at_once(port.kind, len(batch["row"]))):
            there = {name: tensor.to(device) for name, tensor in part.items()}
            written = module(there)
            if hidden:
                each, hit = _guessed(written[port.name].float(), there[port.name], there["bears"])
                hits.append(hit.sum(1).cpu())
            else:
                each = losses(written, port.name, there[port.name])
            found.append((each.double() * there["bears"]).sum(1).cpu())
    back = order.argsort()
    return torch.cat(found)[back], torch.cat(hits)[back] if hidden else None


def _guessed(written: Tensor, truth: Tensor, bears: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T) nats and int64 (B, T) hits, of logits (P, A) of the steps that bear loss."""
    from torch.nn import functional as F  # noqa: N812 torch's own name for it

    each, hit = written.new_zeros(truth.shape), truth.new_zeros(truth.shape)
    each[bears] = F.cross_entropy(written, truth[bears], reduction="none")
    hit[bears] = (written.argmax(-1) == truth[bears]).long()
    return each, hit


def at_once(kind: PortKind, pieces: int) -> int:
    """How many of the pieces are answered at a time; of what is no tokens all."""
    if not isinstance(kind, Tokens):
        return max(1, pieces)
    return max(1, min(pieces, LOGITS // (kind.alphabet * kind.longest)))


def lines(batch: Batch, found: Tensor, hits: Tensor | None = None) -> pl.DataFrame:
    """The columns of Answers for these pieces."""
    import polars as pl
    import torch

    more = {} if hits is None else {"hits": hits}
    place = batch.get("place", torch.zeros_like(batch["row"]))
    counts = {"row": batch["row"], "place": place, "tokens": batch["bears"].sum(1), "bytes": batch["bytes"]}
    columns = {name: pl.Series(tensor.cpu().numpy()) for name, tensor in {**counts, "nats": found, **more}.items()}
    return pl.DataFrame({**columns, "fault": pl.Series([None] * len(found), dtype=pl.String)})


def faulty(faults: Faults, kind: PortKind) -> pl.DataFrame:
    """A line for each row that could not be read."""
    import polars as pl

    told = faults.group_by("row", maintain_order=True).agg(pl.col("sentence").str.join(" ").alias("fault"))
    return pl.concat([empty(kind), told], how="diagonal")


def empty(kind: PortKind | None = None) -> pl.DataFrame:
    import polars as pl

    counts = dict.fromkeys(("row", "place", "tokens", "bytes"), pl.Int64)
    hits = {"hits": pl.Int64} if isinstance(kind, Hidden) else {}
    return pl.DataFrame(schema={**counts, "nats": pl.Float64, **hits, "fault": pl.String})


def some(codec: Codec, rows: Rows, most: int) -> Batch | None:
    """The first pieces of these rows, `most` at most; None where there is none."""
    import numpy as np

    if isinstance(codec.writes[0].kind, Reply):
        batch, _ = codec.encode(rows.take(np.arange(min(most, len(rows)))))
        return batch if len(rows) else None
    for row in in_order(rows, 1):
        batch, _ = codec.encode(row)
        if len(batch["row"]):
            return {name: tensor[:most] for name, tensor in batch.items()}
    return None
