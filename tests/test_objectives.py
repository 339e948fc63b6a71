"""Objectives: the conformance suite, torch's and scikit-learn's figures for the same thing, and penalties once per update."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F  # noqa: N812

from modelwright.models import MLP, RNN, build
from modelwright.nouns import Classes, Numbers, Port, Run, Tokens, Tuning
from modelwright.objectives import L1, L2, CrossEntropy, Objective, SquaredError, penalized
from modelwright.objectives.cross_entropy import LogLikelihood
from modelwright.objectives.squared_error import Squares
from modelwright.reader import kinds
from modelwright.testing import conforms
from modelwright.testing.samples import sample
from modelwright.training import SGD
from modelwright.training.descent import Descent

NAMES = Port("label", Classes(("ant", "bee", "cat")))
YES = Port("label", Classes(("no", "yes"), sigmoid=True))
TWO = Port("label", Numbers(2))
READS = (Port("inputs", Numbers(5)),)


def loss(objective, port, outputs, label, **more):
    """() the mean over rows of an objective on these outputs."""
    batch = {"label": label, **more}
    aim = objective.ready((port,))
    return aim({"model": lambda batch: {"label": outputs}}, batch)["label"] / aim.counts(batch)["label"]


def logits(rows: int, units: int, seed: int, size: float = 3.0):
    return size * torch.randn(rows, units, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- promises -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", [*kinds(Objective), CrossEntropy(0.2)], ids=str)
def test_an_objective_keeps_every_promise(objective):
    conforms(objective)


def planted(live):
    """The objective whose live form this class is."""

    @dataclass(frozen=True)
    class Bug:
        room: ClassVar[str] = "objective"
        fits: ClassVar[tuple[type, ...]] = (Classes,)

        def ready(self, writes):
            (port,) = writes
            return live({port.name: 1.0}, port.name, port.kind.sigmoid, 0.0)

    return Bug


class AsItIs(LogLikelihood):
    pass


class MeanForSum(LogLikelihood):
    def __call__(self, models, batch):
        return {self.name: super().__call__(models, batch)[self.name] / len(batch["row"])}


class NoWeights(LogLikelihood):
    def __call__(self, models, batch):
        return super().__call__(models, {name: tensor for name, tensor in batch.items() if name != "weight"})


class WeightsUncounted(LogLikelihood):
    def counts(self, batch):
        return super().counts({name: tensor for name, tensor in batch.items() if name != "weight"})


class OtherTerms(LogLikelihood):
    def counts(self, batch):
        return {"other": super().counts(batch)[self.name]}


class FirstRowOnly(LogLikelihood):
    def __call__(self, models, batch):
        return {self.name: models["model"](batch)[self.name][0].square().sum()}


class Detached(LogLikelihood):
    def __call__(self, models, batch):
        return {self.name: super().__call__(models, batch)[self.name].detach()}


BUGS = {
    MeanForSum: "micro-batches give another loss",
    NoWeights: "does not honour batch['weight']",
    WeightsUncounted: "does not honour batch['weight']",
    OtherTerms: "name different terms",
    FirstRowOnly: "a row gets no gradient",
    Detached: "judges broke off with RuntimeError",
}


def test_the_planted_objective_is_right_before_a_bug_is_planted():
    conforms(planted(AsItIs))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_the_suite_finds_a_planted_bug(bug):
    with pytest.raises(AssertionError) as found:
        conforms(planted(bug))
    assert BUGS[bug] in str(found.value)


# --- against torch --------------------------------------------------------------------------------------------------------


@given(rows=st.integers(1, 9), seed=st.integers(0, 99), smoothing=st.sampled_from([0.0, 0.1, 0.5]))
@settings(max_examples=30, deadline=None)
def test_cross_entropy_is_torchs(rows, seed, smoothing):
    outputs, label = logits(rows, 3, seed), torch.arange(rows) % 3
    theirs = F.cross_entropy(outputs, label, label_smoothing=smoothing)
    torch.testing.assert_close(loss(CrossEntropy(smoothing), NAMES, outputs, label), theirs)


@given(rows=st.integers(1, 9), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_one_sigmoid_is_softmax_over_zero_and_its_logit(rows, seed):
    """p(yes) = sigmoid(z) = softmax(0, z): the two outputs of a codec ask for the same thing, smoothed or not."""
    outputs, label = logits(rows, 1, seed), torch.arange(rows) % 2
    pair = torch.cat([torch.zeros_like(outputs), outputs], dim=1)
    for smoothing in (0.0, 0.1):
        one, two = loss(CrossEntropy(smoothing), YES, outputs, label), F.cross_entropy(pair, label, label_smoothing=smoothing)
        torch.testing.assert_close(one, two)


@given(rows=st.integers(1, 9), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_squared_error_is_torchs_mean(rows, seed):
    found, wanted = logits(rows, 2, seed), logits(rows, 2, seed + 1)
    torch.testing.assert_close(loss(SquaredError(), TWO, found, wanted), F.mse_loss(found, wanted))


def test_the_mean_is_not_half_of_a_sum():
    found, wanted = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [0.0]])
    assert loss(SquaredError(), Port("label", Numbers(1)), found, wanted) == (1 + 9) / 2
    twice = loss(SquaredError(), Port("label", Numbers(1)), found.repeat(2, 1), wanted.repeat(2, 1))
    assert twice == 5, "twice the rows are not twice the loss"


@pytest.mark.parametrize("sure", [200.0, -200.0, 1e30])
def test_a_very_sure_model_has_a_finite_loss_and_gradient(sure):
    for port, outputs in ((YES, torch.tensor([[sure], [-sure]])), (NAMES, torch.tensor([[sure, 0.0, 0.0], [0.0, sure, 0.0]]))):
        outputs.requires_grad_()
        found = loss(CrossEntropy(), port, outputs, torch.tensor([0, 1]))
        found.backward()
        assert found.isfinite() and outputs.grad.isfinite().all()


# --- against scikit-learn -------------------------------------------------------------------------------------------------


def test_cross_entropy_is_scikit_learns_log_loss():
    from sklearn.metrics import log_loss

    outputs, label = logits(40, 3, 0), torch.arange(40) % 3
    weight = torch.rand(40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    theirs = log_loss(label, outputs.softmax(1), labels=[0, 1, 2], sample_weight=weight)
    assert loss(CrossEntropy(), NAMES, outputs, label, weight=weight).item() == pytest.approx(theirs, rel=1e-9)
    one = logits(40, 1, 2)
    assert loss(CrossEntropy(), YES, one, label % 2).item() == pytest.approx(log_loss(label % 2, one.sigmoid()[:, 0]), rel=1e-9)


def test_squared_error_is_scikit_learns_mean_squared_error():
    from sklearn.metrics import mean_squared_error

    found, wanted = logits(40, 2, 0), logits(40, 2, 1)
    weight = torch.rand(40, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    theirs = mean_squared_error(wanted, found, sample_weight=weight)
    assert loss(SquaredError(), TWO, found, wanted, weight=weight).item() == pytest.approx(theirs, rel=1e-9)


def solved(port, objective, penalties, inputs, label):
    """A linear map at the least loss, by L-BFGS in float64: weight (units, F) and bias."""
    from modelwright.models import Linear

    module = build(Linear(), (Port("inputs", Numbers(inputs.shape[1])),), (port,), 0).double()
    aim, batch = objective.ready((port,)), {"inputs": inputs, "label": label}
    fine = {"max_iter": 500, "tolerance_grad": 1e-12, "tolerance_change": 1e-16, "line_search_fn": "strong_wolfe"}
    search = torch.optim.LBFGS(module.parameters(), **fine)

    def closure():
        search.zero_grad()
        value = aim({"model": module}, batch)["label"] / aim.counts(batch)["label"]
        value = value + penalized(penalties, module.parameters())
        value.backward()
        return value

    search.step(closure)
    head = module.heads.ports["label"]
    return head.weight.detach().numpy(), head.bias.detach().numpy()


def test_squared_error_with_l2_is_scikit_learns_ridge():
    """Ridge minimises ||y - Xw||^2 + alpha ||w||^2: ours times N, so alpha = N * weight. Nor does it penalise its intercept."""
    from sklearn.linear_model import Ridge

    x, y = logits(60, 4, 0, 1.0), logits(60, 1, 1, 1.0) + 2
    theirs = Ridge(alpha=60 * 0.05).fit(x, y[:, 0])
    weight, bias = solved(Port("label", Numbers(1)), SquaredError(), (L2(0.05),), x, y)
    np.testing.assert_allclose(weight[0], theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(bias[0], theirs.intercept_, atol=1e-6)


def test_cross_entropy_with_l2_is_scikit_learns_logistic_regression():
    """It minimises C * sum(losses) + ||w||^2 / 2: ours times 1 / (2 * weight), so C = 1 / (2 * weight * N)."""
    from sklearn.linear_model import LogisticRegression

    x, label = logits(80, 3, 0, 1.0), torch.arange(80) % 2
    theirs = LogisticRegression(C=1 / (2 * 0.02 * 80), tol=1e-12, max_iter=1000).fit(x, label)
    weight, bias = solved(YES, CrossEntropy(), (L2(0.02),), x, label)
    np.testing.assert_allclose(weight, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(bias, theirs.intercept_, atol=1e-5)


# --- penalties ------------------------------------------------------------------------------------------------------------


def test_penalties_by_hand():
    weights = [torch.tensor([[1.0, -2.0], [0.0, 3.0]]), torch.tensor([100.0, -100.0])]
    assert penalized((L1(0.5),), weights) == 0.5 * 6
    assert penalized((L2(0.5),), weights) == 0.5 * 14
    assert penalized((L1(0.5), L2(0.25)), weights) == 3 + 3.5


def test_without_a_penalty_nothing_is_added():
    assert penalized((), [torch.ones(2, 2)]) is None
    assert penalized((L1(),), [torch.ones(2)]) is None


def test_penalties_have_the_gradient_of_their_formula():
    weight = torch.tensor([[1.5, -2.0, 0.25]], requires_grad=True)
    penalized((L1(0.1), L2(0.2)), [weight]).backward()
    torch.testing.assert_close(weight.grad, 0.1 * weight.detach().sign() + 0.2 * 2 * weight.detach())


def test_biases_are_left_alone_and_every_matrix_is_not():
    module = build(RNN(), (Port("inputs", Tokens(9, 5)),), (NAMES,), 0)
    penalized((L1(1.0), L2(1.0)), module.parameters()).backward()
    for name, weight in module.named_parameters():
        assert (weight.grad is None) == ("bias" in name), name


# --- a batch in parts -----------------------------------------------------------------------------------------------------


PARTS = ([0, 1, 2], [3], [4, 5, 6, 7])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("port", "objective"), [(NAMES, CrossEntropy(0.1)), (YES, CrossEntropy()), (TWO, SquaredError())])
def test_micro_batches_of_any_size_are_the_same_update(port, objective, weighted):
    """Through the update itself, penalties included once: one step of plain SGD from the same weights."""
    batch = sample(READS[0].kind, port)
    if weighted:
        batch["weight"] = torch.tensor([1.0, 0.0, 2.0, 0.5, 1.0, 3.0, 0.25, 1.0])
    found = []
    for rows in (([*range(8)],), PARTS):
        module = build(MLP((6,)), READS, (port,), 0)
        update = Descent(SGD(rate=0.5), objective.ready((port,)), (L1(0.01), L2(0.02)))
        run = Run({"model": module}, update.start({"model": module}), Tuning())
        value, norm, _ = update(run, [{name: tensor[part] for name, tensor in batch.items()} for part in rows], 0.5)
        found.append([value, norm, *module.state_dict().values()])
    for whole, parts in zip(*found):
        torch.testing.assert_close(whole.detach(), parts.detach(), atol=1e-6, rtol=1e-5)


def test_the_split_would_be_seen_if_each_part_took_its_own_mean():
    """The bug this design rules out: the mean of means, where parts are of unequal size."""
    outputs, label = logits(8, 3, 0), torch.arange(8) % 3
    whole = loss(CrossEntropy(), NAMES, outputs, label)
    means = torch.stack([loss(CrossEntropy(), NAMES, outputs[rows], label[rows]) for rows in PARTS]).mean()
    assert abs(whole - means) > 0.01


def test_live_objectives_are_values():
    aim = CrossEntropy(0.1).ready((NAMES,))
    assert aim == replace(aim) and aim.weights == {"label": 1.0}
    assert SquaredError().ready((TWO,)) == Squares({"label": 1.0}, "label")
