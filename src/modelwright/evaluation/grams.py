"""What a language model must beat: how often tokens stand in the training rows, alone and after one another. A alphabet.

Counts are smoothed as I. Witten and T. Bell have it (IEEE Transactions on Information Theory 37 (1991), method C): a token that
was followed by `kinds` different ones in n places leaves kinds / (n + kinds) to what is likely anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelwright.data import batches
from modelwright.evaluation.following import lines
from modelwright.nouns import Answers, Batch, Codec, Tokens

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

AT_ONCE = 1 << 12
"""Passages in which pairs are counted at a time."""


@dataclass(frozen=True)
class Grams:
    """What was counted in training rows."""

    alone: np.ndarray
    """float64 (A,): the chance of each token; none is 0."""
    pairs: np.ndarray
    """int64 (P,), ascending: before * A + after, each pair that occurs."""
    times: np.ndarray
    """int64 (P,): how often."""

    def unigram(self, follows: np.ndarray) -> np.ndarray:
        return self.alone[follows]

    def bigram(self, before: np.ndarray, follows: np.ndarray) -> np.ndarray:
        """The chance of each token after the one before it."""
        import numpy as np

        wide = len(self.alone)
        said = np.bincount(self.pairs // wide, self.times, wide)
        kinds = np.bincount(self.pairs // wide, minlength=wide)
        wanted = before * wide + follows
        place = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        seen = np.where(self.pairs[place] == wanted, self.times[place], 0)
        anyway = kinds[before] * self.alone[follows]
        total = (said + kinds)[before]
        return np.where(total > 0, (seen + anyway) / np.maximum(total, 1), self.alone[follows])


def counted(train: Batch, alphabet: int) -> Grams:
    """Of all tokens that bear loss. One that never came is as likely as one that came half a time."""
    import numpy as np

    alone, met = np.full(alphabet, 0.5), list[tuple[np.ndarray, np.ndarray]]()
    for part in batches(train, AT_ONCE):
        bears = part["bears"].numpy()
        before, follows = _read(part).numpy()[bears], part["next"].numpy()[bears]
        alone += np.bincount(follows, minlength=alphabet)
        met.append(np.unique(before * alphabet + follows, return_counts=True))
    pairs, place = np.unique(np.concatenate([pair for pair, _ in met]), return_inverse=True)
    times = np.bincount(place, np.concatenate([times for _, times in met])).astype(np.int64)
    return Grams(alone / alone.sum(), pairs, times)


def _read(batch: Batch) -> Tensor:
    """int64 (B, T): the token before each one that follows; of what is said in gaps, what was said before it."""
    return batch.get("before", batch["inputs"])


def baselines(train: Batch, test: Batch, codec: Codec) -> dict[str, Answers]:
    """Answers to the test rows by unigrams and by bigrams of the training rows."""
    import numpy as np
    import torch

    port = codec.writes[0]
    assert isinstance(port.kind, Tokens)
    grams = counted(train, port.kind.alphabet)
    bears, follows = test["bears"].numpy(), test["next"].numpy()
    chances = {"unigram": grams.unigram(follows), "bigram": grams.bigram(_read(test).numpy(), follows)}
    nats = {name: torch.from_numpy((-np.log(given) * bears).sum(1)) for name, given in chances.items()}
    return {name: Answers(lines(test, found), port) for name, found in nats.items()}
