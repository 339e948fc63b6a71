"""The tags that a model gives to words: Answers with the tags wanted, those given, and what each row counts.
B rows, P words, C tags."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from modelwright.data.codecs.tags.schemes import Scheme, entities, wrong
from modelwright.data.feed import batches, gathered
from modelwright.evaluation.resting import at_rest, in_order
from modelwright.nouns import Answers, Batch, Codec, Port, Rows, Tagged

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor
    from torch.nn import Module

    from modelwright.data.codecs.tags.tagging import Tagging

ABREAST = 128
"""Rows that are answered at a time."""
COUNTS = ("tokens", "hits", "right", "found", "there", "twice", "both")
"""Of each row: its words and those tagged rightly; entities found rightly, found and there; for F1 twice the first of these,
and the sum of the others."""
Tags = tuple["str | None", ...]


def answer(module: Module, codec: Codec, fed: Iterable[Batch]) -> Answers:
    """Of rows that are tensors already; what was wanted is spelled from them."""
    import polars as pl

    with at_rest(module):
        frames = [_of_batch(module, codec, batch) for batch in fed]
    return Answers(pl.concat(frames) if frames else empty(), codec.writes[0])


def _of_batch(module: Module, codec: Codec, batch: Batch) -> pl.DataFrame:
    names = cast("Tagging", codec).names
    wanted = [_beyond(tags, n) for tags, n in zip(_split(batch["tags"], batch, names), batch["count"].tolist())]
    return frame(batch["row"].tolist(), wanted, said(module, codec, batch), codec.writes[0])


def answer_rows(module: Module, codec: Codec, rows: Rows, size: int) -> Answers:
    """Of raw rows. One whose words could not be read has its fault in place of tags; of one whose wanted tags are
    at fault, the tags that were given stand. A wanted tag that no training row has is judged, and never right."""
    import polars as pl

    tagging = cast("Tagging", codec)
    scheme, frames = tagging.encoding.scheme, [empty()]
    with at_rest(module):
        for part in in_order(rows, size):
            batch, faults = codec.encode(part)
            words, _ = tagging.words(part)
            there = tagging.encoding.label in part.columns.columns
            wanted = tagging.tags(part, words)[0] if there else [()] * len(part)
            told = faults.group_by("row", maintain_order=True).agg(
                pl.col("sentence").str.join(" ").alias("fault"),
                (pl.col("column") == tagging.encoding.column).any().alias("unread"),
            )
            unread = set(told.filter("unread")["row"].to_list())
            ids = part.ids.tolist()
            given = [None if row in unread else tags for row, tags in zip(ids, said(module, codec, batch))]
            judged = (there and len(tags) == len(some) and not wrong(tags, scheme) for tags, some in zip(wanted, words))
            known = [tags if good and row not in unread else None for row, tags, good in zip(ids, wanted, judged)]
            made = frame(ids, known, given, codec.writes[0], words).drop("fault")
            made = made.join(told, on="row", how="left", maintain_order="left")
            frames.append(made.select(frames[0].columns))
    return Answers(pl.concat(frames), codec.writes[0])


def said(module: Module, codec: Codec, batch: Batch, size: int = ABREAST) -> list[Tags]:
    """The likeliest tag of each word; none of words that are not read."""
    import torch

    names = cast("Tagging", codec).names
    order, found = _order(batch), list[Tags]()
    for part, written in _written(module, codec, batch, order, size):
        numbers = torch.zeros_like(part["inputs"])
        numbers[part["bears"]] = written.argmax(-1)
        found += [_beyond(tags, n) for tags, n in zip(_split(numbers, part, names), part["count"].tolist())]
    return [found[place] for place in order.argsort().tolist()]


def sureness(module: Module, codec: Codec, batch: Batch, size: int) -> Tensor:
    """float32 (B, C): the mean of the logits of each row's words, which tells how far answers move."""
    import torch

    found: list[Tensor] = []
    order = _order(batch)
    for part, written in _written(module, codec, batch, order, size):
        of = torch.arange(len(part["row"])).unsqueeze(1).expand(part["bears"].shape)[part["bears"]]
        sums = written.new_zeros(len(part["row"]), written.shape[1]).index_add_(0, of, written)
        found.append(sums / part["bears"].sum(1, keepdim=True).clamp_min(1))
    return torch.cat(found)[order.argsort()]


def _order(batch: Batch) -> Tensor:
    return batch["mask"].sum(1).argsort(stable=True)  # alike in length, so that next to none of it is padding


def _written(module: Module, codec: Codec, batch: Batch, order: Tensor, size: int) -> Iterator[tuple[Batch, Tensor]]:
    """Rows in this order, some at a time, and logits (P, C) of their words."""
    import torch

    weight = next(module.parameters(), None)
    device = weight.device if weight is not None else torch.device("cpu")
    with torch.autocast(device.type, enabled=False):
        for part in batches(gathered(batch, order), size):
            written: Batch = module({name: tensor.to(device) for name, tensor in part.items()})
            yield part, written[codec.writes[0].name].float().cpu()


def _split(numbers: Tensor, batch: Batch, names: tuple[str, ...]) -> list[Tags]:
    """(B, T) -> the names at the steps that bear loss, row by row."""
    told = [cast("list[int]", some[real].tolist()) for some, real in zip(numbers, batch["bears"])]
    return [tuple(names[number] for number in row) for row in told]


def _beyond(tags: Tags, count: int) -> Tags:
    """None for each word that is not read."""
    return (*tags, *(None for _ in range(count - len(tags))))


# --- what a row counts ---------------------------------------------------------------------------------------------------


def frame(
    ids: Sequence[int],
    wanted: Sequence[Tags | None],
    given: Sequence[Tags | None],
    port: Port,
    words: Sequence[Sequence[str]] | None = None,
) -> pl.DataFrame:
    """The columns of Answers, no row faulty. A row without wanted tags counts nothing."""
    import polars as pl

    assert isinstance(port.kind, Tagged)
    none = empty()
    counts = [counted(want or (), got or (), port.kind.scheme) for want, got in zip(wanted, given, strict=True)]
    lists = {"words": words or [None] * len(ids), "label": wanted, "answer": given}
    columns = {"row": list(ids), "place": [0] * len(ids), "fault": [None] * len(ids)}
    columns |= {name: [None if some is None else list(some) for some in each] for name, each in lists.items()}
    columns |= {name: [row[place] for row in counts] for place, name in enumerate(COUNTS)}
    return pl.DataFrame({name: pl.Series(columns[name], dtype=kind) for name, kind in none.schema.items()})


def counted(wanted: Tags, given: Tags, scheme: Scheme) -> tuple[int, ...]:
    """As COUNTS says; a word without a tag is wrong, and in no entity."""
    there, found = entities(wanted, scheme), entities(given if wanted else (), scheme)
    right = len(there & found)
    hits = sum(want is not None and want == got for want, got in zip(wanted, given))
    return len(wanted), hits, right, len(found), len(there), 2 * right, len(found) + len(there)


def empty() -> pl.DataFrame:
    """No row, and every column with its type."""
    import polars as pl

    lists = dict.fromkeys(("words", "label", "answer"), pl.List(pl.String))
    counts = dict.fromkeys(COUNTS, pl.Int64)
    return pl.DataFrame(schema={"row": pl.Int64, "place": pl.Int64, **lists, **counts, "fault": pl.String})


def same_words(a: Answers, b: Answers) -> bool:
    """Whether both were judged on the same rows, with the same tags."""
    first, second = (one.frame.select("row", "label").sort("row") for one in (a, b))
    return first.equals(second)


def beside(rival: Answers, answers: Answers) -> Answers:
    """The rival's answers, judged by all tags that these rows have: of words beyond the window it knows none either."""
    known = answers.frame.select("row", "label", "words")
    joined = rival.frame.select("row", "answer").join(known, on="row", how="left", maintain_order="left").drop_nulls("label")
    wanted = [tuple(tags) for tags in joined["label"].to_list()]
    given = [_beyond(tuple(tags or ()), len(want)) for tags, want in zip(joined["answer"].to_list(), wanted)]
    words = [tuple(some or ()) for some in joined["words"].to_list()]
    return Answers(frame(joined["row"].to_list(), wanted, given, rival.port, words), rival.port)


# --- what a model must beat ----------------------------------------------------------------------------------------------


def baselines(train: Batch, test: Batch, codec: Codec) -> dict[str, Answers]:
    """majority: the tag that each word had most often in training rows; of a word that never came, the most frequent of all."""
    tagging = cast("Tagging", codec)
    counts: defaultdict[bytes, Counter[int]] = defaultdict(Counter)
    of_all: Counter[int] = Counter()
    wanted = (tags[real].tolist() for tags, real in zip(train["tags"], train["bears"]))
    for words, tags in zip(_spelled(train, tagging), wanted):
        of_all.update(tags)
        for word, tag in zip(words, tags):
            counts[word][tag] += 1
    often = {word: _first(tags) for word, tags in counts.items()}
    usual = _first(of_all)
    given = [tuple(tagging.names[often.get(word, usual)] for word in words) for words in _spelled(test, tagging)]
    wanted = _split(test["tags"], test, tagging.names)
    padded = [_beyond(tags, n) for tags, n in zip(given, test["count"].tolist())]
    known = [_beyond(tags, n) for tags, n in zip(wanted, test["count"].tolist())]
    return {"majority": Answers(frame(test["row"].tolist(), known, padded, codec.writes[0]), codec.writes[0])}


def _first(tags: Counter[int]) -> int:
    """The most frequent; of several the one with the lowest number."""
    return min(tags, key=lambda tag: (-tags[tag], tag))


def _spelled(batch: Batch, codec: Tagging) -> Iterator[list[bytes]]:
    """Of each row what the model reads of each word, from its first token to the next word's, without white space; a token that
    spells nothing by its number."""
    spelled = [piece or b"\0%d" % number for number, piece in enumerate(codec.tokenizer.pieces)]
    for inputs, bears, mask in zip(batch["inputs"], batch["bears"], batch["mask"]):
        starts = bears.nonzero()[:, 0].tolist()
        tokens = inputs[: int(mask.sum()) - len(codec.controls.end)].tolist()
        ends = zip(starts, [*starts[1:], len(tokens)])
        yield [b"".join(spelled[number] for number in tokens[start:stop]).strip() for start, stop in ends]
