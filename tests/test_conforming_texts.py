"""The conformance suite holds what writes tags, vectors and tokens, and what judges them, to its promises: it sees each planted
bug."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from modelwright.machine import tuned
from modelwright.models import Encoder
from modelwright.nouns import Hidden, Port, Refused, Tagged, Tokens, Tuning, Vector
from modelwright.objectives import Contrastive, MaskedToken, NextToken, WordTag
from modelwright.objectives.contrastive import Finding
from modelwright.objectives.masked_token import Guessing
from modelwright.testing import conforms
from modelwright.testing.written import written


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tensors are tiny here, and threads that wait for one another are slow."""
    with tuned(Tuning(threads=1)):
        yield


# --- families ---------------------------------------------------------------------------------------------------------------


class Net(nn.Module):
    """A word's tag, or what is hidden, is read off its own step and the mean of the row; a text's vector is that mean; what
    follows is read off the sum of all steps so far."""

    def __init__(self, alphabet, kind):
        super().__init__()
        self.table = nn.Embedding(alphabet, 6, padding_idx=0)
        units = kind.width if isinstance(kind, Vector) else len(kind.tags) if isinstance(kind, Tagged) else alphabet
        self.head = nn.Linear(6, units)
        self.kind = kind

    def forward(self, batch):
        mask = batch["mask"].unsqueeze(-1)
        steps = self.table(batch["inputs"]) * mask
        mean = self.mean(steps, mask)
        if type(self.kind) is Tokens:
            return {"label": self.head(self.so_far(steps)).float()}
        if isinstance(self.kind, (Tagged, Hidden)):
            return {"label": self.tags(steps + mean.unsqueeze(1), batch).float()}
        return {"label": self.vector(self.head(mean).float(), batch)}

    def mean(self, steps, mask):
        return steps.sum(1) / mask.sum(1).clamp_min(1)

    def so_far(self, steps):
        return steps.cumsum(1)

    def tags(self, states, batch):
        return self.head(states[batch["bears"]])

    def vector(self, found, batch):
        return F.normalize(found, dim=1) if self.kind.unit else found


def planted(net, *writes):
    """The family whose net this class is."""

    @dataclass(frozen=True)
    class Planted:
        room: ClassVar[str] = "model"
        accepts: ClassVar[tuple[type, ...]] = (Tokens,)

        def build(self, reads, writes):
            if len(reads) != 1:
                raise Refused("one port")
            return net(reads[0].kind.alphabet, writes[0].kind)

    Planted.writes = writes
    return Planted


class AllSteps(Net):
    def tags(self, states, batch):
        return self.head(states).flatten(0, 1)


class OtherWord(Net):
    """The tag of the word before, whichever row that was in."""

    def tags(self, states, batch):
        return super().tags(states, batch).roll(1, 0)


class ReadsTags(Net):
    def tags(self, states, batch):
        known = batch["label"][batch["bears"]].unsqueeze(1) if "label" in batch else 0
        return super().tags(states, batch) + known


class MeansPadding(Net):
    def mean(self, steps, mask):
        return steps.mean(1)


class LooksAround(Net):
    def vector(self, found, batch):
        return super().vector(found - found.mean(0), batch)


class AnyLength(Net):
    def vector(self, found, batch):
        return found


class ReadsPartner(Net):
    def vector(self, found, batch):
        return super().vector(found + batch["other"].float().mean() if "other" in batch else found, batch)


class OneMore(Net):
    def vector(self, found, batch):
        return F.pad(super().vector(found, batch), (0, 1))


class LooksAhead(Net):
    def so_far(self, steps):
        return steps.cumsum(1) + 0.1 * steps.roll(-1, 1)


class StepAsRow(Net):
    """The last step's, of whatever row stands last."""

    def so_far(self, steps):
        return steps.cumsum(1) + steps[-1:, :1]


BUGS = [
    (AllSteps, Tagged, "it writes float32 (48, 4), not"), (OtherWord, Tagged, "the rows around a row change its answer"),
    (ReadsTags, Tagged, "it reads what it must foretell"), (MeansPadding, Tagged, "padding changes an answer"),
    (MeansPadding, Vector, "padding changes an answer"), (LooksAround, Vector, "the rows around a row change its answer"),
    (AnyLength, Vector, "not of length 1"), (ReadsPartner, Vector, "it reads what it must foretell"),
    (OneMore, Vector, "it writes float32 (8, 7), not float32 (8, 6)"),
    (LooksAhead, Tokens, "what comes after a step changes"), (StepAsRow, Tokens, "the rows around a row change its answer"),
    (AllSteps, Hidden, "it writes float32 (48, 13), not"), (OtherWord, Hidden, "the rows around a row change its answer"),
    (ReadsTags, Hidden, "it reads what it must foretell"),
]  # fmt: skip


def test_the_planted_family_is_right_before_a_bug_is_planted():
    for writes in ((Tagged, Vector, Tokens, Hidden), (Tagged,), (Vector,), (Tokens,), (Hidden,)):
        conforms(planted(Net, *writes))


@pytest.mark.parametrize(("bug", "port", "sentence"), BUGS, ids=lambda one: one if isinstance(one, str) else one.__name__)
def test_the_suite_finds_a_planted_bug_in_a_family(bug, port, sentence):
    with pytest.raises(AssertionError) as found:
        conforms(planted(bug, port))
    assert sentence in str(found.value)


def test_a_family_says_how_wide_its_vectors_are():
    """One that has a width of its own is asked for it."""
    asked = [port.width for port in written(Encoder(1, 24, 2), Tokens(13, 9)) if isinstance(port, Vector)]
    assert asked == [24, 24]
    assert not [port for port in written(Encoder(1, 24, 2), Vector(3, True)) if isinstance(port, (Tagged, Vector))]


# --- objectives -------------------------------------------------------------------------------------------------------------


def aimed(live, *fits):
    @dataclass(frozen=True)
    class Bug:
        room: ClassVar[str] = "objective"

        def ready(self, writes: tuple[Port, ...]):
            (port,) = writes
            return live({port.name: 1.0}, port.name)

    Bug.fits = fits
    return Bug


class Tagging(Guessing):
    pass


class MeanOfWords(Guessing):
    def __call__(self, models, batch):
        return {self.name: super().__call__(models, batch)[self.name] / batch["bears"].sum()}


class OneWord(Guessing):
    """Of each row the word at its first step, which not every row has."""

    def __call__(self, models, batch):
        first = batch["bears"][:, :1].sum()
        written = models["model"](batch)[self.name][:first]
        return {self.name: F.cross_entropy(written, batch[self.name][batch["bears"]][:first], reduction="sum")}


class Unweighed(Guessing):
    def __call__(self, models, batch):
        return super().__call__(models, {name: tensor for name, tensor in batch.items() if name != "weight"})


class Pairing(Finding):
    def __init__(self, weights, name):
        super().__init__(weights, name, 0.05)


class ByPlace(Pairing):
    """The first rows of a batch count more."""

    def __call__(self, models, batch):
        place = torch.linspace(2, 1, len(batch["alike"]))
        return super().__call__(models, {**batch, "weight": place * batch.get("weight", torch.ones(len(place)))})


class UnweighedPairs(Pairing):
    def __call__(self, models, batch):
        return super().__call__(models, {name: tensor for name, tensor in batch.items() if name != "weight"})


class HalfTheBatch(Pairing):
    def __call__(self, models, batch):
        half = {name: tensor[: len(tensor) // 2] for name, tensor in batch.items()}
        return super().__call__(models, half)


def test_the_objectives_of_the_house_and_the_planted_ones_are_right():
    ours = (WordTag(), NextToken(), NextToken(0.1), MaskedToken(), Contrastive(), Contrastive(0.5))
    for objective in (*ours, aimed(Tagging, Tagged, Hidden), aimed(Pairing, Vector)):
        conforms(objective)


@pytest.mark.parametrize(
    ("bug", "port", "sentence"),
    [
        (MeanOfWords, Tagged, "micro-batches give another loss"), (OneWord, Tagged, "a row gets no gradient"),
        (MeanOfWords, Hidden, "micro-batches give another loss"), (Unweighed, Hidden, "does not honour batch['weight']"),
        (Unweighed, Tagged, "does not honour batch['weight']"), (ByPlace, Vector, "in another order"),
        (UnweighedPairs, Vector, "does not honour batch['weight']"), (HalfTheBatch, Vector, "a row gets no gradient"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)  # fmt: skip
def test_the_suite_finds_a_planted_bug_in_an_objective(bug, port, sentence):
    with pytest.raises(AssertionError) as found:
        conforms(aimed(bug, port))
    assert sentence in str(found.value)
