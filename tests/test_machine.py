"""What this computer is and does best: measured once, kept, set for a while only; and what work costs."""

from __future__ import annotations

import json
import math
import platform
import time
from types import SimpleNamespace

import pytest
import torch

from modelwright import machine, vault
from modelwright.machine import costs, probing
from modelwright.machine import memory as memory_room
from modelwright.machine.tuning import float32_error, flushes
from modelwright.nouns import Refused, Tuning


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """An empty cache, on a machine of four cores whose every precision is exact, with a clock that only trials move."""
    monkeypatch.setattr(Stopwatch, "now", 0.0)
    monkeypatch.setattr(probing, "time", SimpleNamespace(perf_counter=lambda: Stopwatch.now))
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setattr(probing, "cores", lambda: 4)
    monkeypatch.setattr(probing, "float32_error", lambda precision: 0.0)
    return tmp_path


class Stopwatch:
    """A trial on a clock of its own: each way's seconds are a rule; what was asked is kept."""

    now = 0.0

    def __init__(self, rule):
        self.rule, self.asked = rule, []

    def __call__(self, way, seconds):
        self.asked.append((way, seconds))
        Stopwatch.now += max(seconds, self.rule(way))
        return self.rule(way)


AUTO = machine.Machine()
EAGER = machine.Machine(compiled=False)


def probed(rule, section=AUTO, steps=10**6, layers="dense", key="mlp"):
    """What is found, its seconds, and all that was tried; steps of a second unless the rule says otherwise."""
    watch = Stopwatch(rule)
    tuning, seconds = machine.probe(section, layers, key, steps, watch)
    return tuning, seconds, watch.asked


# --- tuned ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", [False, True])
def test_torch_is_set_for_a_while_only(fails):
    before = torch.get_num_threads(), torch.get_float32_matmul_precision(), flushes()
    other = 3 if before[0] != 3 else 2
    try:
        with machine.tuned(Tuning(threads=other, precision="medium")):
            assert (torch.get_num_threads(), torch.get_float32_matmul_precision(), flushes()) == (other, "medium", True)
            if fails:
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert (torch.get_num_threads(), torch.get_float32_matmul_precision(), flushes()) == before


def test_flushing_that_was_on_stays_on():
    torch.set_flush_denormal(True)
    try:
        with machine.tuned(Tuning()):
            pass
        assert flushes()
    finally:
        torch.set_flush_denormal(False)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to give memory back")
def test_free_memory_between_what_is_held_goes_back():
    before = machine.held_bytes()
    with machine.tuned(Tuning()):
        blocks = [bytearray(100_000) for _ in range(3000)]
        held = blocks[::100]  # the last of them keeps all that lies before it
        del blocks
        assert machine.held_bytes() > before + 200 * 2**20
    assert machine.held_bytes() < before + 100 * 2**20
    assert len(held) == 30


def test_what_has_grown_is_given_back_and_looked_at_anew(monkeypatch):
    """A clock that goes on by a look each time; what is held, by the look."""
    held = [100, 105, 111, 90, 98, 100, 50]
    given, now = [], iter(range(0, 100, 6))
    monkeypatch.setattr(memory_room.time, "monotonic", lambda: float(next(now)))
    monkeypatch.setattr(memory_room, "held_bytes", lambda: held[0])
    monkeypatch.setattr(memory_room, "give_back", lambda: given.append(held[0]))
    bound = machine.Bound()
    while held:
        bound()
        held.pop(0)
    assert given == [111, 100], "90 is the new measure, of which 99 is a tenth more"


def test_memory_is_not_looked_at_all_the_time(monkeypatch):
    monkeypatch.setattr(memory_room.time, "monotonic", lambda: 3.0)
    monkeypatch.setattr(memory_room, "held_bytes", lambda: pytest.fail("a look costs more than many a step"))
    machine.Bound()()


def test_the_error_of_float32_is_small_and_measuring_it_leaves_no_trace():
    before = torch.get_float32_matmul_precision(), torch.get_rng_state()
    assert 0 < float32_error("highest") < 1e-6
    assert torch.get_float32_matmul_precision() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


# --- the probe -----------------------------------------------------------------------------------------------------------


def test_the_fastest_way_wins_and_says_so(memory):
    tuning, seconds, asked = probed(lambda way: 1.0 / way.threads, EAGER)
    assert (tuning.threads, seconds) == (4, 0.25)
    assert {way.threads for way, _ in asked} == {1, 4}
    assert "4 threads" in machine.told(tuning) and "measured" in machine.told(tuning)


def test_a_small_gain_is_noise_and_few_digits_must_be_worth_it(memory):
    tuning, _, _ = probed(lambda way: 1.0 if way.threads == 1 else 0.95, EAGER)
    assert tuning.threads == 1
    for share, dtype in ((0.9, "float32"), (0.7, "bfloat16")):
        rule = {"bfloat16": share, "float32": 1.0}
        tuning, _, _ = probed(lambda way: rule[way.dtype], EAGER, layers="convolutional", key=f"cnn {share}")  # noqa: B023
        assert tuning.dtype == dtype


def test_what_was_found_is_kept_and_used_again(memory):
    first, seconds, asked = probed(lambda way: 1.0 / way.threads)
    assert asked
    assert probed(lambda way: 1.0) == (first, seconds, [])
    assert probed(lambda way: 1.0, key="another model")[2], "another model is measured by itself"
    assert probed(lambda way: 1.0, machine.Machine(threads=2))[2], "so is another order"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: json.dumps({**json.loads(text), "seconds": -1}),
        lambda text: text.replace("highest", "sloppy"),
        lambda text: text.replace('"threads": 1', '"threads": 400'),
        lambda text: text.replace('"device"', '"devise"'),
        lambda text: text.replace('"cpu",', '"cuda",'),
    ],
)
def test_a_damaged_memory_is_measured_again(memory, damage):
    probed(lambda way: 1.0)
    (kept,) = (memory / "tuning").iterdir()
    text = kept.read_text(encoding="utf-8")
    assert damage(text) != text
    kept.write_text(damage(text), encoding="utf-8")
    tuning, _, asked = probed(lambda way: 1.0)
    assert asked and tuning.threads == 1
    assert not probed(lambda way: 1.0)[2], "and is whole again"


def test_where_nothing_can_be_kept_training_goes_on(memory, monkeypatch):
    def full(path, data):
        raise Refused("The disk is full.")

    monkeypatch.setattr(vault, "put_file", full)
    assert probed(lambda way: 1.0)[0].threads == 1


def test_a_short_training_is_not_measured_at_length(memory):
    tuning, _, asked = probed(lambda way: 0.001, steps=1)
    assert len(asked) == 1
    assert "the only one tried" in machine.told(tuning)


def test_all_trials_together_keep_to_the_budget(memory):
    for steps, budget in ((10**4, 0.1 * 10**4 * 0.001), (10**9, probing.MOST)):
        began = Stopwatch.now
        _, _, asked = probed(lambda way: 0.001 / way.threads, EAGER, steps, layers="convolutional", key=f"{steps} steps")
        assert len(asked) > 4
        assert Stopwatch.now - began <= budget + 3 * probing.LEAST, "the first, the last, and the first once more"


def test_of_a_large_model_each_way_is_tried_where_training_is_long(memory):
    """A step of two seconds: more than all trials may take of a short training, a trifle of a long one."""
    for steps, found in ((50, 1), (10**5, 4)):
        rule = {1: 2.0, 4: 0.5}
        tuning, _, asked = probed(lambda way: rule[way.threads], EAGER, steps, layers="attending", key=f"large {steps}")  # noqa: B023
        assert tuning.threads == found
        assert {way.dtype for way, _ in asked} == ({"float32", "bfloat16"} if found == 4 else {"float32"})


def test_what_the_recipe_orders_is_not_varied(memory):
    section = machine.Machine("cpu", 3, "high", "bfloat16", True)
    for layers in ("dense", "convolutional", "recurrent", "attending"):
        ways = machine.candidates(section, layers)
        found = {(way.device, way.threads, way.precision, way.dtype, way.compiled) for way in ways}
        assert found == {("cpu", 3, "high", "bfloat16", True)}
    assert all(not way.compiled for way, _ in probed(lambda way: 1.0, EAGER)[2])


def test_no_precision_is_tried_that_costs_digits(memory, monkeypatch):
    monkeypatch.setattr(probing, "float32_error", lambda precision: 1e-3)
    assert {way.precision for way in machine.candidates(machine.Machine(device="cpu"), "dense")} == {"highest"}
    monkeypatch.setattr(probing, "float32_error", lambda precision: 1e-6)
    assert {way.precision for way in machine.candidates(machine.Machine(device="cpu"), "dense")} == {"highest", "medium"}


def test_compiling_is_tried_where_it_pays_only(memory):
    def faster(way):
        return 0.5 if way.compiled else 1.0

    tuning, seconds, _ = probed(faster)
    assert tuning.compiled and seconds == 0.5 and "compiled" in machine.told(tuning)
    assert not any(way.compiled for way, _ in probed(faster, steps=10, key="short")[2])
    assert not probed(lambda way: 0.99 if way.compiled else 1.0, key="noise")[0].compiled


def test_what_cannot_be_compiled_runs_eagerly_also_where_compiling_is_ordered(memory):
    tuning, seconds, _ = probed(lambda way: math.inf if way.compiled else 1.0, machine.Machine(compiled=True), key="lengths")
    assert not tuning.compiled and seconds == 1.0


def test_a_device_that_is_not_there_is_refused(memory):
    missing = "mps" if not torch.backends.mps.is_available() else "cuda"
    with pytest.raises(Refused, match=f"machine.device = {missing}"):
        probed(lambda way: 1.0, machine.Machine(device=missing))


def test_facts_are_plain_and_name_nobody():
    facts = machine.facts()
    assert set(facts) == {"system", "processor", "cores", "memory", "python", "torch"}
    assert 1 <= machine.cores() <= 4096
    assert machine.fingerprint() == machine.fingerprint() and len(machine.fingerprint()) == 64


# --- the meter -----------------------------------------------------------------------------------------------------------


def test_a_busy_stretch_costs_processor_seconds():
    with machine.Meter() as meter:
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass
    found = meter.costs
    assert 0.2 <= found.cpu_seconds < 0.4
    assert found.seconds >= 0.19
    assert found.meter
    assert found.watt_hours > 0
    assert found.peak_bytes > 30 * 2**20, "Python and torch are larger than that"


def test_a_sleep_costs_next_to_no_processor():
    with machine.Meter() as meter:
        time.sleep(0.2)
    assert meter.costs.seconds >= 0.19
    assert meter.costs.cpu_seconds < 0.1


def test_the_meter_is_named(tmp_path, monkeypatch):
    counter = tmp_path / "energy_uj"
    counter.write_text("1000000", encoding="utf-8")
    monkeypatch.setattr(costs, "RAPL", counter)
    with machine.Meter() as meter:
        counter.write_text("37000000", encoding="utf-8")
    assert (meter.costs.meter, meter.costs.watt_hours) == ("RAPL", pytest.approx(0.01))
    with machine.Meter() as wrapped:
        counter.write_text("5", encoding="utf-8")  # the counter began anew
    assert wrapped.costs.meter.startswith("estimated")
    monkeypatch.setattr(costs, "RAPL", tmp_path / "nothing")
    with machine.Meter() as estimated:
        pass
    assert estimated.costs.meter == "estimated, 10 W a core"
