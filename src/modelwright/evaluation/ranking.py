"""Vectors of texts: which of many texts a model holds for the likest to one. Answers with a vector for each row and, of pairs,
where its own partner stands among all. Q questions, N candidates, D width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from modelwright.evaluation.resting import at_rest, in_order
from modelwright.nouns import Answers, Batch, Codec, Faults, Port, Rows, Vector

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from torch import Tensor
    from torch.nn import Module

    from modelwright.data.codecs.sentences.vectors import Sentences

    Cosines: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
    """(questions, candidates), as places of rows -> float (Q, N)"""

AT_ONCE = 2**24
"""Cosines at a time."""
DIGITS = 6
"""Of a cosine: what differs by less stands level, for batches of another shape give other last bits."""
PAIRS = ("key", "other_key", "alike", "score")
"""What a batch says of pairs."""


def answer(module: Module, codec: Codec, fed: Iterable[Batch], written: Callable[..., Tensor]) -> Answers:
    """Of rows that are tensors already. written(module, codec, batch): vectors (B, D) of the batch's inputs."""
    with at_rest(module):
        found = [_of_batch(module, codec, batch, written) for batch in fed]
    return Answers(_whole(codec, found), codec.writes[0])


def answer_rows(module: Module, codec: Codec, rows: Rows, size: int, written: Callable[..., Tensor]) -> Answers:
    """Of raw rows. One whose text could not be read has its fault in place of a vector; a pair with a fault is not judged."""
    import polars as pl

    column = cast("Sentences", codec).encoding.column
    found: list[Batch] = []
    wrong: list[Faults] = []
    with at_rest(module):
        for part in in_order(rows, size):
            batch, faults = codec.encode(part)
            found.append(_of_batch(module, codec, batch, written))
            wrong.append(faults)
    told = pl.concat(wrong).group_by("row", maintain_order=True).agg(
        pl.col("sentence").str.join(" ").alias("fault"), (pl.col("column") == column).any().alias("unread")
    ) if wrong else None  # fmt: skip
    frame = _whole(codec, found, () if told is None else told["row"].to_list())
    if told is not None and len(told):
        frame = frame.drop("fault").join(told, on="row", how="left", maintain_order="left")
        kept = pl.when(pl.col("unread").fill_null(value=False)).then(None).otherwise(pl.col("answer")).alias("answer")
        frame = frame.with_columns(kept).select(empty(codec.writes[0]).columns)
    return Answers(frame, codec.writes[0])


def _of_batch(module: Module, codec: Codec, batch: Batch, written: Callable[..., Tensor]) -> Batch:
    found = {"row": batch["row"], "vector": written(module, codec, _side(batch, "inputs", "mask"))}
    if "other" in batch:
        found |= {"other": written(module, codec, _side(batch, "other", "other_mask"))}
        found |= {name: batch[name] for name in PAIRS if name in batch}
    return {name: tensor.cpu() for name, tensor in found.items()}


def _side(batch: Batch, inputs: str, mask: str) -> Batch:
    return {"row": batch["row"], "inputs": batch[inputs], "mask": batch[mask]}


def _whole(codec: Codec, found: Sequence[Batch], faulty: Sequence[int] = ()) -> pl.DataFrame:
    """The columns of Answers; of pairs that have no fault their places too."""
    import numpy as np
    import torch
    from torch.nn import functional as F  # noqa: N812 torch's own name for it

    port = codec.writes[0]
    if not found:
        return empty(port)
    batch = {name: torch.cat([some[name] for some in found]) for name in found[0]}
    vectors = batch["vector"]
    if "other" not in batch:
        return framed(batch["row"].numpy(), port, vectors.numpy())
    anchors, others = (F.normalize(batch[name].float(), dim=1).numpy() for name in ("vector", "other"))
    pairs = np.flatnonzero(~np.isin(batch["row"].numpy(), np.array(faulty, np.int64)))

    def cosines(questions: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        return anchors[questions] @ others[candidates].T

    own = (anchors * others).sum(1)
    return placed(batch, pairs, cosines, own, port, vectors.numpy())


def placed(
    batch: Batch, pairs: np.ndarray, cosines: Cosines, own: np.ndarray, port: Port, vectors: np.ndarray | None
) -> pl.DataFrame:
    """The columns of Answers. pairs: places of the rows that are judged; own: (B,) the cosine of each row's own pair."""
    import numpy as np

    rows = batch["row"].numpy()
    told: dict[str, Any] = {"likeness": np.full(len(rows), np.nan), "above": [None] * len(rows), "tied": [None] * len(rows)}
    told["likeness"][pairs] = own[pairs]
    if "score" in batch:
        told["label"] = np.full(len(rows), np.nan)
        told["label"][pairs] = batch["score"].numpy()[pairs]
    for place, above, tied in _places(batch, pairs, cosines):
        told["above"][place], told["tied"][place] = above.tolist(), tied.tolist()
    return framed(rows, port, vectors, told)


def _places(batch: Batch, pairs: np.ndarray, cosines: Cosines) -> Iterable[tuple[int, np.ndarray, np.ndarray]]:
    """For each different anchor that has a positive, at the place of its first row: of each positive how many candidates stand
    above it, and how many, it too, stand level with it. Candidates are all different positives of the pairs but the anchor
    itself."""
    import numpy as np

    key, other, alike = (batch[name].numpy()[pairs] for name in ("key", "other_key", "alike"))
    known, first, candidate = np.unique(other, return_index=True, return_inverse=True)
    asked, question, number = np.unique(key[alike], return_index=True, return_inverse=True)
    wanted: list[list[int]] = [[] for _ in asked]
    for one, found in sorted(set(zip(number.tolist(), candidate[alike].tolist()))):
        wanted[one].append(found)
    itself = np.searchsorted(known, asked)
    places = np.flatnonzero(alike)[question]
    step = max(1, AT_ONCE // max(1, len(known)))
    for start in range(0, len(asked), step):
        some = slice(start, start + step)
        likes = np.round(cosines(pairs[places[some]], pairs[first]).astype(np.float64), DIGITS)
        for place, line in enumerate(likes, start):
            me = itself[place]
            if me < len(known) and known[me] == asked[place] and me not in wanted[place]:
                line[me] = -np.inf
            ours = line[wanted[place]]
            above, level = (line[:, None] > ours).sum(0), (line[:, None] == ours).sum(0)
            yield int(pairs[places[place]]), above, level


def framed(
    rows: np.ndarray, port: Port, vectors: np.ndarray | None = None, told: dict[str, Any] | None = None
) -> pl.DataFrame:
    """The columns of Answers, no row faulty; what is not told is null."""
    import polars as pl

    none = empty(port)
    columns: dict[str, Any] = {"row": rows, **(told or {})}
    nothing = [None] * len(rows)
    if vectors is not None:
        columns["answer"] = vectors
    frame = pl.DataFrame([pl.Series(name, columns.get(name, nothing), dtype=kind) for name, kind in none.schema.items()])
    return frame.with_columns(pl.col("label", "likeness").fill_nan(None))


def empty(port: Port) -> pl.DataFrame:
    """No row, and every column with its type."""
    import polars as pl

    assert isinstance(port.kind, Vector)
    vector, counts = pl.Array(pl.Float32, port.kind.width), pl.List(pl.Int64)
    schema = {"row": pl.Int64, "label": pl.Float64, "answer": vector, "likeness": pl.Float64, "above": counts, "tied": counts}
    return pl.DataFrame(schema={**schema, "fault": pl.String})


def baselines(train: Batch, test: Batch, codec: Codec) -> dict[str, Answers]:
    """tf_idf: cosines of bags of the same tokens, each as rare as it is among the different texts of training rows."""
    import numpy as np
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.preprocessing import normalize

    port = codec.writes[0]
    controls = cast("Sentences", codec).tokenizer.controls
    around = np.array([*controls.begin, *controls.end], np.int64)
    sides = (("inputs", "mask"), ("other", "other_mask"))
    known = [_bags(train, *side, codec, around) for side in sides]
    keys = np.concatenate([train["key"].numpy(), train["other_key"].numpy()])
    weights = TfidfTransformer().fit(sparse.vstack(known).tocsr()[np.unique(keys, return_index=True)[1]])
    bags: list[Any] = [weights.transform(_bags(test, *side, codec, around)) for side in sides]
    anchors, others = (cast(Any, normalize(one)) for one in bags)

    def cosines(questions: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        return (anchors[questions] @ others[candidates].T).toarray()

    own = np.asarray(anchors.multiply(others).sum(1)).ravel()
    frame = placed(test, np.arange(len(test["row"])), cosines, own, port, None)
    return {"tf_idf": Answers(frame, port)}


def _bags(batch: Batch, inputs: str, mask: str, codec: Codec, around: np.ndarray) -> Any:
    """float64 (B, A), sparse: how often each token stands in each text, without those that stand around every one."""
    import numpy as np
    from scipy.sparse import csr_matrix

    tokens, real = batch[inputs].numpy(), batch[mask].numpy()
    real = real & ~np.isin(tokens, around)
    starts = np.concatenate([[0], real.sum(1).cumsum()])
    alphabet = len(cast("Sentences", codec).tokenizer.pieces)
    bags = csr_matrix((np.ones(int(starts[-1])), tokens[real], starts), (len(tokens), alphabet))
    bags.sum_duplicates()
    return bags
