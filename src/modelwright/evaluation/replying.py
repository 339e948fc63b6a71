"""What a model says in reply to what it reads: Answers with the reply that was wanted, the one that was given, and how likely
the wanted one was found. B rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

from modelwright.evaluation import following
from modelwright.evaluation.resting import at_rest, in_order
from modelwright.nouns import Answers, Batch, Codec, Rows

if TYPE_CHECKING:
    import polars as pl
    from torch.nn import Module

    from modelwright.data.codecs.pairs.paired import Paired

ABREAST = 128
"""Rows that are replied to at a time."""


def answer(module: Module, codec: Codec, fed: Iterable[Batch]) -> Answers:
    """Of rows that are tensors already; what was wanted is spelled from them."""
    import polars as pl

    with at_rest(module):
        frames = [_frame(module, codec, batch, wanted(codec, batch)) for batch in fed]
    return Answers(pl.concat(frames) if frames else empty(), codec.writes[0])


def answer_rows(module: Module, codec: Codec, rows: Rows, size: int) -> Answers:
    """Of raw rows. One whose text could not be read has its fault in place of a reply; of one that lacks the wanted reply
    alone, the reply stands."""
    import polars as pl

    label, column = codec.encoding.label, cast("Paired", codec).encoding.column
    frames = [empty()]
    with at_rest(module):
        for part in in_order(rows, size):
            batch, faults = codec.encode(part)
            known = part.columns[label].cast(pl.String) if label in part.columns.columns else [None] * len(part)
            frame = _frame(module, codec, batch, pl.Series(known, dtype=pl.String))
            told = faults.group_by("row", maintain_order=True).agg(
                pl.col("sentence").str.join(" ").alias("fault"),
                (pl.col("column") == column).any().alias("unread"), (pl.col("column") == label).any().alias("unknown"),
            )  # fmt: skip
            frame = frame.drop("fault").join(told, on="row", how="left", maintain_order="left").with_columns(
                pl.when(pl.col("unread").is_null() | ~pl.col("unread")).then("answer").alias("answer"),
                pl.when(pl.col("unknown").is_null() | ~pl.col("unknown")).then("label").alias("label"),
            )  # fmt: skip
            frames.append(frame.select(frames[0].columns))
    return Answers(pl.concat(frames), codec.writes[0])


def wanted(codec: Codec, batch: Batch) -> pl.Series:
    """The replies that the batch holds, spelled."""
    import polars as pl

    pairs, real = cast("Paired", codec), batch["before_mask"].sum(1).tolist()
    follows = (tokens[:count] for tokens, count in zip(batch["next"].tolist(), real, strict=True))
    return pl.Series([pairs.spell(tokens) for tokens in follows], dtype=pl.String)


def said(module: Module, codec: Codec, batch: Batch) -> list[str]:
    """The likeliest reply to each row, token by token; rows of about one length side by side."""
    import torch

    from modelwright.models.generation import generate
    from modelwright.models.networks.replying import Replying, Spoken
    from modelwright.models.sampling import Sampling

    assert isinstance(module, Replying)
    pairs = cast("Paired", codec)
    how = Sampling(most=pairs.encoding.reply, stop=pairs.controls.stops, never=pairs.controls.never)
    device, real = next(module.parameters()).device, batch["mask"].sum(1)
    found = [""] * len(real)
    for picked in real.argsort(stable=True).split(ABREAST):
        longest = max(1, int(real[picked].max()))
        inputs, mask = (batch[name][picked, :longest].to(device) for name in ("inputs", "mask"))
        with torch.inference_mode():
            going = Spoken(module, module.read(inputs, mask))
        for row, tokens in zip(picked.tolist(), generate(going, [[pairs.first]] * len(picked), how), strict=True):
            found[row] = pairs.spell(tokens)
    return found


def empty() -> pl.DataFrame:
    """No row, and every column with its type."""
    import polars as pl

    schema = {**following.empty().schema, "label": pl.String, "answer": pl.String}
    return pl.DataFrame(schema={name: schema[name] for name in ("row", "label", "answer", *[
        name for name in schema if name not in ("row", "label", "answer")])})  # fmt: skip


def framed(batch: Batch, wanted: pl.Series, given: list[str], nats: pl.Series | None = None) -> pl.DataFrame:
    """The columns of Answers; nats None: nothing is known of how likely the wanted replies were found."""
    import polars as pl

    none = empty()
    columns = {"row": pl.Series(batch["row"].cpu().numpy()), "label": wanted, "answer": pl.Series(given, dtype=pl.String)}
    columns["place"] = pl.Series([0] * len(wanted), dtype=pl.Int64)
    if nats is not None:
        columns |= {"tokens": pl.Series(batch["bears"].sum(1).cpu().numpy()), "nats": nats}
        columns |= {"bytes": pl.Series(batch["bytes"].cpu().numpy())}
    whole = pl.concat([none, pl.DataFrame(columns)], how="diagonal_relaxed")
    return whole.select(pl.col(name).cast(kind) for name, kind in none.schema.items())


def _frame(module: Module, codec: Codec, batch: Batch, wanted: pl.Series) -> pl.DataFrame:
    import polars as pl

    nats = pl.Series(following.nats(module, codec, batch).numpy()) if "next" in batch else None
    return framed(batch, wanted, said(module, codec, batch), nats)
