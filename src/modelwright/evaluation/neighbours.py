"""What a model of hidden tokens must beat: the most frequent token, and what most often follows the token that is read before.
A alphabet."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from modelwright.evaluation.following import lines
from modelwright.evaluation.grams import Grams
from modelwright.nouns import Answers, Batch, Codec

if TYPE_CHECKING:
    import numpy as np

    from modelwright.data.codecs.documents.passages import Passages


def baselines(train: Batch, test: Batch, codec: Codec) -> dict[str, Answers]:
    """Answers to the hidden tokens of the test rows by unigrams and bigrams of all that the training rows say."""
    import numpy as np
    import torch

    hiding = cast("Passages", codec).hiding
    assert hiding is not None
    grams = _counted(train, hiding.askable)
    bears, truth, read = test["bears"].numpy(), test["next"].numpy(), test["inputs"].numpy()
    before = np.concatenate([truth[:, :1], read[:, :-1]], axis=1)
    often = np.full(truth.shape, grams.alone.argmax())
    chances = {"unigram": grams.unigram(truth), "bigram": grams.bigram(before, truth)}
    answers = {"unigram": often, "bigram": _next(grams)[before]}
    return {
        name: Answers(
            lines(
                test,
                torch.from_numpy((-np.log(chances[name]) * bears).sum(1)),
                torch.from_numpy(((answers[name] == truth) & bears).sum(1)),
            ),
            codec.writes[0],
        )
        for name in chances
    }


def _counted(train: Batch, askable: np.ndarray) -> Grams:
    """Of tokens that may be asked for, hidden or not. One that never came is as likely as one that came half a time."""
    import numpy as np

    truth = train["next"].numpy()
    there = train["mask"].numpy() & askable[truth]
    wide = len(askable)
    alone = np.bincount(truth[there], minlength=wide) + 0.5
    after = there.copy()
    after[:, 0] = False  # a passage that goes on with a text begins in its middle
    pairs, times = np.unique(truth[:, :-1][after[:, 1:]] * wide + truth[:, 1:][after[:, 1:]], return_counts=True)
    return Grams(alone / alone.sum(), pairs, times)


def _next(grams: Grams) -> np.ndarray:
    """int64 (A,): what followed each token most often; where nothing did, the most frequent token."""
    import numpy as np

    wide = len(grams.alone)
    found = np.full(wide, grams.alone.argmax())
    order = np.argsort(grams.times, kind="stable")  # the most frequent is written last
    found[grams.pairs[order] // wide] = grams.pairs[order] % wide
    return found
