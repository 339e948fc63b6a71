"""What a model must beat: the answer that knows nothing, and a linear model. N rows, F features, C classes."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from modelwright.evaluation import dictionary, grams, neighbours, ranking, words
from modelwright.evaluation.answering import answers_of
from modelwright.nouns import (
    Answers,
    Batch,
    Cells,
    Classes,
    Codec,
    Hidden,
    Image,
    PortKind,
    Reply,
    Series,
    Tagged,
    Tokens,
    Vector,
)

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_array
    from torch import Tensor

ROWS = 20_000
"""The linear model learns from at most so many rows, drawn with a seed."""
CELLS = 8_000_000
"""And from at most so many numbers, for ten classes; fewer for more."""
EFFORT = 400_000_000
"""Numbers looked at in all rounds together, for ten classes: a few seconds of one core."""


def baselines(train: Batch, test: Batch, codec: Codec) -> dict[str, Answers]:
    """Answers to the test rows: "majority" (or "mean"), and "linear", whose name says when it learned from a sample;
    of tokens "unigram" and "bigram", of replies "copy" and "dictionary" or, where they are short, "lead", of tags "majority",
    of vectors "tf_idf"."""
    if isinstance(codec.writes[0].kind, Reply):
        return dictionary.baselines(train, test, codec)
    if isinstance(codec.writes[0].kind, Hidden):
        return neighbours.baselines(train, test, codec)
    if isinstance(codec.writes[0].kind, Tokens):
        return grams.baselines(train, test, codec)
    if isinstance(codec.writes[0].kind, Tagged):
        return words.baselines(train, test, codec)
    if isinstance(codec.writes[0].kind, Vector):
        return ranking.baselines(train, test, codec)
    simple = "majority" if isinstance(codec.writes[0].kind, Classes) else "mean"
    label = train[codec.writes[0].name]
    learners = {simple: _ignorant(label, len(test["row"]), codec)}
    picked = drawn(train, codec)
    name = "linear" if len(picked) == len(label) else f"linear on {len(picked):,} rows"
    seen = {key: tensor[picked] for key, tensor in train.items()}
    learners[name] = linear(features(seen, codec), seen, features(test, codec), codec)
    return {name: answers_of(codec, test, written) for name, written in learners.items()}


def _ignorant(label: Tensor, n: int, codec: Codec) -> Tensor:
    """(n, units) as a model would write it: the classes' shares in training, or the mean."""
    import torch

    kind = codec.writes[0].kind
    if isinstance(kind, Classes):
        shares = torch.bincount(label.reshape(-1).long(), minlength=len(kind.names)).double() / len(label)
        return _as_logits(shares.expand(n, -1), kind)
    return label.reshape(len(label), -1).double().mean(0).float().expand(n, -1)


def linear(seen: Any, train: Batch, asked: Any, codec: Codec, rounds: int | None = None) -> Tensor:
    """(n, units) as a model would write it, from scikit-learn's logistic or ridge regression; of most_rounds at most."""
    import torch
    from sklearn.linear_model import LogisticRegression, Ridge

    port = codec.writes[0]
    label = train[port.name].numpy()
    weight = train["weight"].numpy() if "weight" in train else None
    if not isinstance(port.kind, Classes):
        fitted = Ridge(alpha=1.0).fit(seen, label.reshape(len(label), -1), sample_weight=weight)
        return torch.as_tensor(fitted.predict(asked), dtype=torch.float32).reshape(asked.shape[0], -1)
    shares = torch.zeros(asked.shape[0], len(port.kind.names), dtype=torch.float64)
    known = sorted(set(label.tolist()))
    if len(known) == 1:
        shares[:, known] = 1.0
        return _as_logits(shares, port.kind)
    rounds = rounds or most_rounds(port.kind, seen.size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a baseline need not converge: stopped early it is, if anything, the better one
        fitted = LogisticRegression(max_iter=rounds).fit(seen, label, sample_weight=weight)
    shares[:, known] = torch.as_tensor(fitted.predict_proba(asked), dtype=torch.float64)
    return _as_logits(shares, port.kind)


def most_rounds(kind: Classes, numbers: int) -> int:
    """Of logistic regression on so many numbers."""
    return max(20, min(1000, int(EFFORT / _tens(kind) / max(1, numbers))))


def _as_logits(shares: Tensor, kind: Classes) -> Tensor:
    """Chances (n, C) -> what a model writes for them: (n, C), or (n, 1) for sigmoid."""
    logs = shares.clamp_min(1e-12).log()
    return (logs[:, 1:] - logs[:, :1] if kind.sigmoid else logs).float()


def drawn(train: Batch, codec: Codec) -> Tensor:
    """Positions of the rows to learn from, sorted."""
    import torch

    n = len(train["row"])
    wide = sum(train[port.name][0].numel() for port in codec.reads if not isinstance(port.kind, Tokens)) if n else 1
    most = max(1, min(ROWS, int(CELLS / _tens(codec.writes[0].kind)) // max(1, wide)))
    if n <= most:
        return torch.arange(n)
    return torch.randperm(n, generator=torch.Generator().manual_seed(0))[:most].sort().values


def _tens(kind: PortKind) -> float:
    """Classes in tens, at least 1: how much dearer a round is."""
    return max(1.0, len(kind.names) / 10) if isinstance(kind, Classes) else 1.0


def features(batch: Batch, codec: Codec) -> np.ndarray | csr_array:
    """(N, F) float32: every port that a model reads, flat and side by side; sparse where there are tokens."""
    import numpy as np
    from scipy import sparse

    parts = [_flat(port.kind, batch[port.name], batch) for port in codec.reads]
    if len(parts) == 1:
        return parts[0]
    if any(sparse.issparse(part) for part in parts):
        return sparse.csr_array(sparse.hstack([sparse.csr_array(part) for part in parts]))
    return np.hstack(parts)


def _flat(kind: PortKind, tensor: Tensor, batch: Mapping[str, Tensor]) -> Any:
    """One port as (N, F)."""
    import torch

    from modelwright.models.networks.inputs import FlatCells

    if isinstance(kind, Tokens):
        return _bags(tensor, batch["mask"], kind.alphabet)
    if isinstance(kind, Image):
        mean, spread = (torch.tensor(value).reshape(1, -1, 1, 1) for value in (kind.mean, kind.spread))
        return tensor.to(torch.float32, copy=True).sub_(mean).div_(spread).flatten(1).numpy()  # in place: they are many numbers
    if isinstance(kind, Series):
        real = batch["mask"].unsqueeze(-1).float()
        return ((tensor * real).sum(1) / real.sum(1).clamp_min(1.0)).numpy()
    if isinstance(kind, Cells):
        return FlatCells(kind)(tensor, {}).numpy()
    return tensor.flatten(1).float().numpy()


def _bags(tokens: Tensor, mask: Tensor, alphabet: int) -> csr_array:
    """(N, alphabet) how often each word stands in each row; every row is scaled to length 1."""
    import numpy as np
    from scipy.sparse import csr_array
    from sklearn.preprocessing import normalize

    starts = np.concatenate([[0], mask.sum(1).cumsum(0).numpy()])
    words = tokens[mask].numpy()
    bags = csr_array((np.ones(len(words), np.float32), words, starts), (len(tokens), alphabet))
    bags.sum_duplicates()
    return csr_array(normalize(bags))
