"""Explanations: games with known answers, shap and captum on the same function, axioms, budgets on a clock of our own."""

from __future__ import annotations

import io
import itertools
import math
import wave
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import models
from modelwright.data.codecs import Columns, LogMel, Pictures, Words
from modelwright.explanation import IntegratedGradients, Lime, Occlusion, Permutation, Shapley
from modelwright.explanation.budget import Budget
from modelwright.explanation.explaining import explain
from modelwright.explanation.features import Features
from modelwright.explanation.gradients import integrated
from modelwright.explanation.lime import lime
from modelwright.explanation.permutation import permutation
from modelwright.explanation.shapley import drawn, exact, shapley
from modelwright.explanation.shuffling import TENTHS, Along
from modelwright.explanation.subject import subject
from modelwright.models import CNN, LSTM, MLP, Linear
from modelwright.nouns import Refused, Rows

CHANCE = np.random.default_rng(0)
METHODS = [Shapley(20), Lime(300), IntegratedGradients(), Occlusion()]


class Clock:
    """A second for each question asked of it."""

    def __init__(self, step=1.0):
        self.now, self.step = 0.0, step

    def __call__(self):
        self.now += self.step
        return self.now


def rows(**columns):
    frame = pl.DataFrame(columns)
    return Rows(np.arange(len(frame)), frame)


def table(count=60, width=5, target="class"):
    numbers = CHANCE.normal(size=(count, width)).round(3)
    columns = {f"n{place}": [str(x) for x in numbers[:, place]] for place in range(width)}
    total = numbers[:, 0] * 2 - numbers[:, 1] + 0.5 * numbers[:, 2] * numbers[:, 3]
    label = ["yes" if x > 0 else "no" for x in total] if target == "class" else [f"{x:.3f}" for x in total]
    columns["city"] = [("Bonn", "北京", "Lima")[place % 3] for place in range(count)]
    return rows(**columns, label=label)


def live(encoding, given, family):
    codec = encoding.fit(lambda: iter((given,)))
    module = models.build(family, codec.reads, codec.writes, 0).eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(2)
    return module, codec


def slots_of(asked):
    """What unfolds the choices of a table inside the network."""
    return asked.module.inputs.doors[0]


def tabled(target="class", family=None, width=5):
    given = table(width=width, target=target)
    module, codec = live(Columns("label", target), given, family or MLP((16,), "tanh"))
    return subject(module, codec, given.take(np.arange(7, 8)), given)


# --- Shapley ----------------------------------------------------------------------------------------------------------------


def test_the_glove_game():
    """Two left gloves, one right: a pair is worth 1. The right one gets 2/3, each left 1/6 (Shapley's own kind of example)."""
    pair = lambda present: (present[:, 2] & (present[:, 0] | present[:, 1])).astype(float)  # noqa: E731
    np.testing.assert_allclose(exact(pair, 3), [1 / 6, 1 / 6, 2 / 3], atol=1e-15)


def game(worth, count):
    return lambda present: worth[(present * (1 << np.arange(count))).sum(1)]


WORTHS = st.integers(2, 6).flatmap(lambda k: st.tuples(st.just(k), st.integers(0, 2**32 - 1)))


@given(WORTHS)
@settings(max_examples=40)
def test_axioms(drawn_game):
    count, seed = drawn_game
    worth = np.random.default_rng(seed).normal(size=2**count)
    values = exact(game(worth, count), count)
    assert values.sum() == pytest.approx(worth[-1] - worth[0], abs=1e-9), "efficiency"
    other = np.random.default_rng(seed + 1).normal(size=2**count)
    both = exact(game(worth + 3 * other, count), count)
    np.testing.assert_allclose(both, values + 3 * exact(game(other, count), count), atol=1e-9, err_msg="linearity")
    coalitions = np.arange(2**count)
    dummy = worth[coalitions & ~1]
    assert exact(game(dummy, count), count)[0] == pytest.approx(0, abs=1e-12), "dummy"
    sizes = np.array([bin(place).count("1") for place in coalitions])
    alike = np.random.default_rng(seed).normal(size=count + 1)[sizes]
    shares = exact(game(alike, count), count)
    np.testing.assert_allclose(shares, shares[0], atol=1e-9, err_msg="symmetry")


def test_exact_is_the_mean_over_all_orders():
    worth = CHANCE.normal(size=2**4)
    ask = game(worth, 4)
    slow = np.zeros(4)
    for order in itertools.permutations(range(4)):
        here = 0
        for feature in order:
            slow[feature] += worth[here | 1 << feature] - worth[here]
            here |= 1 << feature
    np.testing.assert_allclose(exact(ask, 4), slow / math.factorial(4), atol=1e-12)


def test_drawn_values_sum_exactly_and_come_near_the_exact_ones():
    worth = CHANCE.normal(size=2**8)
    ask = game(worth, 8)
    values, errors, asked = drawn(ask, 8, Shapley(300), Budget(1e9), seed=0)
    assert values.sum() == pytest.approx(worth[-1] - worth[0], abs=1e-9)
    assert asked == 300 * 2 * 9
    off = (values - exact(ask, 8)) / errors
    assert np.abs(off).max() < 4
    assert (np.abs(off) < 2).sum() >= 6, "the errors are what they say"


@pytest.mark.parametrize("mutant", ["weight", "background"])
def test_planted_bugs_are_seen(mutant, monkeypatch):
    if mutant == "weight":
        monkeypatch.setattr("modelwright.explanation.shapley.math.factorial", lambda n: 1)
        with pytest.raises(AssertionError):
            test_the_glove_game()
    else:
        asked = tabled()
        forgotten = replace(asked, background=torch.zeros_like(asked.background))
        assert abs(forgotten.none() - asked.none()) > 1e-3, "a background forgotten shows in what nothing says"


def test_as_shap_says():
    shap = pytest.importorskip("shap")
    asked = tabled()
    masker = lambda mask, row: mask.reshape(1, -1)  # noqa: E731
    theirs = shap.ExactExplainer(lambda present: asked.ask(present.astype(bool)), masker)(np.ones((1, asked.count)))
    values, errors, _ = shapley(asked.ask, asked.count, Shapley(), Budget(1e9), 0)
    assert not errors.any()
    np.testing.assert_allclose(values, theirs.values[0], atol=1e-6)


# --- gradients, lime, occlusion ---------------------------------------------------------------------------------------------


def test_as_captum_says():
    attr = pytest.importorskip("captum.attr")
    asked = tabled(family=MLP((16,), "gelu"))
    own, start, door = asked.batch["inputs"], asked.background[:1], slots_of(asked)
    between = attr.IntegratedGradients(
        lambda slots: asked.module.heads(asked.module.hidden(slots))["label"].softmax(1)[:, asked.answer]
    )
    theirs = between.attribute(door(own, {}), door(start, {}), n_steps=1024, method="riemann_middle")
    alone = replace(asked, background=start)
    values, points = integrated(alone, IntegratedGradients(512), Budget(1e9))
    assert points == (4 * 2 + 1) + (512 * 2 + 1)
    wanted = torch.zeros(asked.count).index_add_(0, asked.features.places[door.column], theirs[0].float())
    np.testing.assert_allclose(values, wanted.numpy(), atol=1e-5)
    assert explain(asked, IntegratedGradients(64), Budget(1e9)).gap < 1e-3
    ablated = attr.FeatureAblation(asked.scalar).attribute(own, asked.background[:1], feature_mask=asked.features.places[None])
    alone = replace(asked, background=asked.background[:1])
    found = explain(alone, Occlusion(), Budget(1e9)).values
    first = [int((asked.features.places == place).nonzero()[0]) for place in range(asked.count)]
    np.testing.assert_allclose(found, ablated[0, first].detach().numpy(), atol=1e-5)


def test_a_linear_model_is_its_own_explanation():
    asked = tabled("number", Linear())
    door = slots_of(asked)
    own, mean = door(asked.batch["inputs"], {})[0], door(asked.background, {}).mean(0)
    (weight,) = (w.detach()[0] for w in asked.module.parameters() if w.ndim == 2)
    spread = asked.codec.labels.spread
    wanted = torch.zeros(asked.count).index_add_(0, asked.features.places[door.column], weight * (own - mean)).numpy() * spread
    for method in (Shapley(), Occlusion()):
        np.testing.assert_allclose(explain(asked, method, Budget(1e9)).values, wanted, atol=1e-4)
    slopes = explain(asked, IntegratedGradients(), Budget(1e9))
    np.testing.assert_allclose(slopes.values, wanted, atol=1e-4)
    assert slopes.gap < 1e-3


def test_lime_finds_a_plane_and_its_gap_is_none():
    plane = lambda present: present @ np.array([1.0, -2.0, 0.0, 0.5])  # noqa: E731
    values, gap, asked = lime(plane, 4, Lime(2000), Budget(1e9), 0)
    np.testing.assert_allclose(values, [1, -2, 0, 0.5], atol=0.02)
    assert gap < 1e-3
    assert asked == 2000
    crossed = lambda present: (present[:, 0] ^ present[:, 1]).astype(float)  # noqa: E731
    assert lime(crossed, 4, Lime(2000), Budget(1e9), 0)[1] > 0.5, "what no plane can say is told as a gap"


# --- subjects -----------------------------------------------------------------------------------------------------------------


def pictured():
    pictures = CHANCE.integers(0, 256, (40, 12, 10), dtype=np.uint8)
    given = rows(picture=pl.Series(pictures, dtype=pl.Array(pl.UInt8, (12, 10))), label=["a", "b"] * 20)
    module, codec = live(Pictures("label"), given, CNN(((4,),), (8,)))
    return subject(module, codec, given.take(np.arange(1)), given)


def worded():
    given = rows(text=["这 部 电影 很 好", "a bad film", "good good film", "坏 电影"] * 5, label=["1", "0", "1", "0"] * 5)
    module, codec = live(Words("label"), given, LSTM(8, 8))
    return subject(module, codec, given.take(np.arange(1)), given)


@pytest.mark.parametrize("make", [tabled, pictured, worded], ids=["table", "picture", "text"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_every_method_explains_every_kind_of_row(make, method):
    asked = make()
    found = explain(asked, method, Budget(1e9))
    assert len(found.values) == len(found.features.names) == asked.count
    assert np.isfinite(found.values).all()
    assert found.deletion.said[0] == pytest.approx(found.said, abs=1e-6)
    assert found.deletion.said[-1] == pytest.approx(found.without, abs=1e-6)
    if isinstance(method, Shapley):
        assert abs(sum(found.values) - (found.said - found.without)) < 1e-4
        assert found.gap < 1e-4


def test_words_are_the_texts_own_and_padding_is_no_feature():
    asked = worded()
    assert asked.features.names == tuple("这部电影很好")
    assert asked.whole() == pytest.approx(float(asked.said(asked.batch["inputs"])[0]), abs=1e-6)


def test_a_column_fills_its_own_numbers_alone():
    asked = tabled()
    assert asked.features.names[-1] == "city"
    assert (asked.features.places[slots_of(asked).column] == asked.count - 1).sum() == 3
    assert asked.features.said[-1] == "北京"


def test_deletion_by_the_true_values_beats_chance():
    assert explain(tabled(), Shapley(), Budget(1e9)).deletion.beats_random


def test_rows_that_cannot_be_explained():
    given = table()
    module, codec = live(Columns("label"), given, MLP((4,)))
    with pytest.raises(Refused, match="One row is explained at a time"):
        subject(module, codec, given.take(np.arange(2)), given)
    broken = Rows(given.ids[:1], given.columns[:1].with_columns(pl.lit("many").alias("n0")))
    with pytest.raises(Refused, match=r'Row 0 cannot be explained: .*"many"'):
        subject(module, codec, broken, given)


# --- importance -------------------------------------------------------------------------------------------------------------


def test_importance_finds_what_decides():
    numbers = CHANCE.normal(size=(300, 3)).round(3)
    columns = {f"n{place}": [str(x) for x in numbers[:, place]] for place in range(3)}
    given = rows(**columns, label=["yes" if x > 0 else "no" for x in numbers[:, 1]])
    module, codec = live(Columns("label"), given, Linear())
    with torch.no_grad():
        for weight in module.parameters():
            weight.zero_()
            if weight.ndim == 2:
                weight[1, 1], weight[0, 1] = 50.0, -50.0
    found = permutation(module, codec, given, Permutation(), Budget(1e9))
    assert found.base < 0.02
    assert found.order[0] == 1
    assert 0.35 < found.drops[1] < 0.65
    assert found.drops[0] == found.drops[2] == 0
    assert all(low < drop < high for low, drop, high in zip(found.low, found.drops, found.high))
    assert found.low[0] < 0 < found.low[1]
    assert found.top[1] > 0.3
    assert found.repeats == 5


def test_no_interval_is_of_zero_width_where_nothing_is_wrong():
    noise = [str(x) for x in CHANCE.normal(size=200)]
    given = rows(a=[str(place % 2) for place in range(200)], b=noise, label=["no", "yes"] * 100)
    module, codec = live(Columns("label"), given, Linear())
    with torch.no_grad():
        for weight in module.parameters():
            weight.zero_()
            if weight.ndim == 2:
                weight[1, 0], weight[0, 0] = 50.0, -50.0
    found = permutation(module, codec, given, Permutation(2), Budget(1e9))
    assert found.base == 0
    assert found.high[1] - found.low[1] >= 2 * 3 / 200


class FirstWord(torch.nn.Module):
    """Says the second class where the first step is the word's, and does not look at any other."""

    def __init__(self, word):
        super().__init__()
        self.word = word

    def forward(self, batch):
        found = (batch["inputs"][:, 0] == self.word).float()
        return {"label": torch.stack([-found, found], 1) * 20 - torch.tensor([-10.0, 10.0])}


def test_importance_of_texts_is_where_in_them_the_answer_lies():
    """Of 3 to 60 words: whatever its length, the first word lies in the first tenth, and what is padding stays so."""
    chance = np.random.default_rng(5)
    first = chance.integers(0, 2, 200)
    lengths = chance.integers(3, 60, 200)
    words = np.array(["film", "plot", "bad", "good"])
    texts = [" ".join([words[2 + sign], *chance.choice(words, n)]) for sign, n in zip(first, lengths)]
    given = rows(text=texts, label=[str(sign) for sign in first])
    codec = Words("label").fit(lambda: iter((given,)))
    good = int(codec.encode(rows(text=["good"], label=["1"]))[0]["inputs"][0, 0])
    found = permutation(FirstWord(good), codec, given, Permutation(3), Budget(1e9))
    assert found.base == 0
    assert found.features.names[0] == "0-10 %" and len(found.drops) == 10
    assert 0.35 < found.drops[0] < 0.65
    assert set(found.drops[1:]) == {0.0}
    assert found.top[1] == pytest.approx(0.5, abs=0.15) and found.random[-1] == pytest.approx(found.top[-1])


def test_what_is_shuffled_in_a_text_is_as_far_along_in_another():
    along = Along(Features("moments", "inputs", ("",) * TENTHS, ("",) * TENTHS, torch.arange(TENTHS)))
    inputs = torch.zeros(2, 20, dtype=torch.long)
    inputs[0, :20], inputs[1, :10] = torch.arange(100, 120), torch.arange(200, 210)
    mask = torch.arange(20) < torch.tensor([[20], [10]])
    batch = {"inputs": inputs, "mask": mask}
    found = along.swapped(batch, torch.tensor([1, 0]), torch.tensor([0, 9]))["inputs"]
    assert found[0].tolist() == [200, 200, *range(102, 118), 209, 209]
    assert found[1].tolist() == [100, *range(201, 209), 118, *[0] * 10]
    series = {"inputs": inputs.float().unsqueeze(2).repeat(1, 1, 3), "mask": mask}
    again = along.swapped(series, torch.tensor([1, 0]), torch.tensor([0, 9]))["inputs"]
    assert torch.equal(again[:, :, 2], found.float())
    empty = {"inputs": inputs, "mask": torch.zeros_like(mask)}
    assert torch.equal(along.swapped(empty, torch.tensor([1, 0]), torch.arange(10))["inputs"], inputs)


def test_importance_of_what_has_no_labels():
    given = table()
    module, codec = live(Columns("label"), given, Linear())
    with pytest.raises(Refused, match='no column "label"'):
        permutation(module, codec, Rows(given.ids, given.columns.drop("label")), Permutation(), Budget(1e9))


def test_rows_that_cannot_be_read_are_nobodys_background():
    given = table()
    module, codec = live(Columns("label"), given, MLP((4,)))
    wide = pl.when(pl.int_range(60) > 2).then(pl.lit("wide")).otherwise("n0").alias("n0")
    spoilt = Rows(given.ids, given.columns.with_columns(wide))
    few = subject(module, codec, given.take(np.arange(1)), spoilt)
    assert len(few.background) == 1, "of the rows asked for, the first alone can be read"
    torch.testing.assert_close(few.background, codec.encode(given.take(np.arange(1)))[0]["inputs"])


# --- budgets ----------------------------------------------------------------------------------------------------------------


def test_a_budget_is_kept_and_what_was_reached_is_said():
    """Each look at the clock is a second: what is asked of it is told by how often it is looked at."""
    worth = CHANCE.normal(size=2**8)
    clock = Clock()
    values, errors, asked = drawn(game(worth, 8), 8, Shapley(10**6), Budget(60, clock), 0)
    assert clock.now - 1 <= 60 * 1.2
    assert 2 * 9 < asked < 10**6
    assert values.sum() == pytest.approx(worth[-1] - worth[0], abs=1e-9)
    assert (errors > 0).all()


def test_exact_values_give_way_to_drawn_ones_where_time_is_short():
    asked = tabled(width=11)
    assert explain(asked, Shapley(), Budget(1e9)).asked == 2**12
    hurried = explain(asked, Shapley(4), Budget(200, Clock()))
    assert hurried.asked <= 4 * 2 * 13
    assert abs(sum(hurried.values) - (hurried.said - hurried.without)) < 1e-4


@pytest.mark.parametrize("method", [Shapley(), Lime()])
def test_a_budget_too_small_is_refused(method):
    budget = Budget(0.001, Clock())
    assert explain(tabled(width=14), method, budget).asked > 1
    with pytest.raises(Refused, match=r"0.001 s are too few to explain this"):
        budget.refuse_overspent()


class Work:
    """A clock that goes by the rows that the model is asked about: a slow model, without waiting."""

    def __init__(self, module, seconds):
        self.now, self.seconds = 0.0, seconds
        module.register_forward_hook(self.pass_by)

    def pass_by(self, module, given, result):
        self.now += self.seconds * len(next(iter(result.values())))

    def __call__(self):
        return self.now


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
@pytest.mark.parametrize("make", [lambda: tabled(width=30), lambda: pictured()], ids=["table", "picture"])
@pytest.mark.parametrize("seconds", [3.5, 4.5, 10, 100])
def test_every_method_keeps_its_budget(make, method, seconds):
    """A thousandth of a second for each row, of which 16 stand behind each question about a table."""
    asked = make()
    clock = Work(asked.module, 0.001 * 16 / len(asked.background))
    budget = Budget(seconds, clock)
    explain(asked, method, budget)
    assert clock.now <= 1.2 * seconds
    budget.refuse_overspent()


def test_a_chance_that_turns_at_once_leaves_no_gap():
    """Even steps leave most of the difference unexplained, where the answer turns between two of them."""
    asked = tabled(family=MLP((16,), "gelu"))
    with torch.no_grad():
        for weight in asked.module.parameters():
            weight.mul_(12)
    asked = replace(asked, background=asked.background[:4])
    from modelwright.explanation import gradients

    found = explain(asked, IntegratedGradients(64), Budget(1e9))
    even = lambda way, steps: torch.linspace(0, 1, steps + 1)  # noqa: E731
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gradients, "_knots", even)
        evenly = explain(asked, IntegratedGradients(64), Budget(1e9))
    assert evenly.gap > 0.01, "the row is one that shows it"
    assert found.gap < evenly.gap / 5


@pytest.mark.parametrize("seconds", [11, 14, 30])
def test_the_global_method_keeps_its_budget_too(seconds):
    given = table(width=11)
    module, codec = live(Columns("label"), given, MLP((8,)))
    clock = Work(module, 0.001)
    found = permutation(module, codec, given, Permutation(20), Budget(seconds, clock))
    assert clock.now <= 1.2 * seconds
    assert 1 <= found.repeats <= 20


def test_what_was_not_asked_has_no_value():
    from modelwright.report.reasons import why

    asked = tabled(width=30)
    budget = Budget(1.2, Work(asked.module, 0.0005))
    found = explain(asked, Occlusion(), budget)
    assert 0 < found.unasked < 31
    assert found.asked == 1 + 31 - found.unasked
    assert len(found.order) == 31 - found.unasked
    assert [each["value"] is None for each in found.plain()["values"]].count(True) == found.unasked
    assert f"The time sufficed for {31 - found.unasked} of its 31 parts" in why(found).about
    whole = explain(asked, Occlusion(), Budget(1e9))
    for place in found.order:
        assert found.values[place] == whole.values[place], "and what was asked is what it would have been"
    assert not whole.unasked


def test_steps_are_as_many_as_fit():
    asked = tabled(width=30)
    counts = [
        explain(asked, IntegratedGradients(), Budget(seconds, Work(asked.module, 0.0005))).asked for seconds in (1.2, 1.4, 1e9)
    ]
    each = len(asked.background)
    assert counts[0] == each * 9, "the least"
    assert each * 9 < counts[1] < counts[2] == each * (9 + 129)


# --- drawn ------------------------------------------------------------------------------------------------------------------


def test_bars_name_the_weightiest_and_their_signs():
    from modelwright.report.reasons import BARS, why

    found = explain(tabled(), Shapley(), Budget(1e9))
    drawn = why(found)
    assert len(drawn.bars) == BARS
    assert max(abs(bar.share) for bar in drawn.bars) == 1
    for bar in drawn.bars:
        value = found.values[found.features.names.index(bar.name)]
        assert np.sign(value) == np.sign(bar.share)
    assert not drawn.patches and not drawn.words


def test_patches_cover_the_picture_once():
    from modelwright.report.reasons import why

    drawn = why(replace(explain(pictured(), Occlusion(), Budget(1e9)), values=(1.0,) * 30))
    assert drawn.size == (10, 12)
    covered = np.zeros((12, 10), int)
    for one in drawn.patches:
        covered[one.y : one.y + one.height, one.x : one.x + one.width] += 1
    assert (covered == 1).all()


def test_chinese_words_stand_close_together_and_others_apart():
    from modelwright.report.reasons import why

    asked = worded()
    assert [word.spaced for word in why(explain(asked, Occlusion(), Budget(1e9))).words] == [False] * 6
    module, codec = asked.module, asked.codec
    english = rows(text=["bad film"], label=["0"])
    words = why(explain(subject(module, codec, english, english), Occlusion(), Budget(1e9))).words
    assert [(word.text, word.spaced) for word in words] == [("bad", False), ("film", True)]


def recorded(seconds=1.0, rate=8000):
    """A WAV file of noise."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.random.default_rng(0).integers(-9000, 9000, round(seconds * rate)).astype("<i2").tobytes())
    return written.getvalue()


@pytest.mark.parametrize("family", [CNN(((4,),), (8,)), LSTM(width=8)], ids=["cnn", "lstm"])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_moments_of_a_recording_are_told_in_seconds_and_drawn_over_its_spectra(method, family):
    from modelwright.report.pictures import picture_of, show
    from modelwright.report.reasons import why

    given = rows(sound=[recorded(), recorded(0.5)] * 2, label=["1", "0"] * 2)
    module, codec = live(LogMel("label"), given, family)
    found = explain(subject(module, codec, given.take(np.arange(1)), given.take(np.arange(1, 4))), method, Budget(1e9))
    assert np.isfinite(found.values).all()
    steps = codec.scale.frames(8000)
    each = -(-steps // 24)
    assert found.features.names[0] == f"0.00-{each * 0.016:.2f} s"
    assert found.features.names[-1].endswith(f"-{steps * 0.016:.2f} s"), "the last step ends where the recording does"
    drawn = why(found)
    assert drawn.size == (steps, 40)
    assert all(one.y == 0 and one.height == 40 for one in drawn.patches)
    assert sum(one.width for one in why(replace(found, values=(1.0,) * len(found.values))).patches) == steps
    assert drawn.bars[0].name == found.features.names[found.order[0]]
    assert picture_of(given.columns[:1], codec.encoding).startswith("data:image/png")
    wrong = pl.DataFrame({"row": [0], "label": ["1"], "answer": ["0"], "size": [0.9]})
    assert "recording" in show(wrong, given, codec.encoding)[0].alt


# --- the verb ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A finished run on a table with a city, and its rows."""
    import modelwright

    folder = tmp_path_factory.mktemp("explained")
    frame = table(count=120).columns
    frame.write_csv(folder / "rows.csv")
    order = {
        "data": {"kind": "csv", "path": str(folder / "rows.csv")},
        "codec": {"kind": "columns", "label": "label"},
        "model": {"kind": "mlp", "widths": [8]},
        "training": {"epochs": 8, "batch": 16, "optimizer": {"kind": "adam", "rate": 0.01}},
        "explanation": {"mistakes": 2, "seconds": 60.0, "method": {"kind": "shapley", "pairs": 5}},
    }
    return modelwright.train(order, out=folder / "run"), folder


def told(capsys, *words):
    from modelwright.__main__ import main

    code = main(["explain", *map(str, words)])
    return code, *capsys.readouterr()


def test_the_verb_tells_draws_and_gives_json(lived, capsys, tmp_path):
    import json

    _, folder = lived
    artifact, file = folder / "run" / "artifact", folder / "rows.csv"
    code, out, _ = told(capsys, artifact, file, "--row", 5, "--budget", "60s", "-o", tmp_path / "why.html")
    assert code == 0
    assert "row 5: " in out and "n0 = " in out
    page = (tmp_path / "why.html").read_text(encoding="utf-8")
    assert "n0 = " in page
    assert "http://" not in page and "https://" not in page
    code, out, _ = told(capsys, artifact, file, "--row", 5, "--json", "--budget", "60s")
    plain = json.loads(out)
    assert sum(each["value"] for each in plain["values"]) == pytest.approx(plain["said"] - plain["without"], abs=1e-4)
    code, out, _ = told(capsys, artifact, file, "--method", "permutation", "--json", "--budget", "60s")
    assert json.loads(out)["rows"] == 120


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--row", "500"), "There is no row 500"),
        (("--budget", "soon"), "--budget soon: a time above 0 is needed"),
        (("--budget", "0s"), "a time above 0 is needed"),
        (("--budget", "0.001ms"), "are too few to explain this"),
        (("--method", "permutation", "-o", "x.html"), "A page is drawn of one row"),
    ],
)
def test_the_verb_refuses(lived, capsys, words, sentence):
    _, folder = lived
    code, _, err = told(capsys, folder / "run" / "artifact", folder / "rows.csv", *words)
    assert code == 2
    assert sentence in err


def test_a_run_explains_its_worst_mistakes(lived):
    run, folder = lived
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    facts = (folder / "run" / "run.json").read_text(encoding="utf-8")
    assert ('class="rod"' in page) == ('"values"' in facts), "what was explained is drawn"
    reasons = run.artifact.explain(table(count=20).columns, row=3, seconds=60)
    assert reasons.found.row == 3
    assert "srcdoc" in reasons._repr_html_()
