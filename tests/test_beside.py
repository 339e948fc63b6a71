"""Learning beside a base: low-rank matrices, four bits, what is stored, what is refused, and folding it all in."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from torch import nn

from bases import NEXT, SHAPES, THREE, TOKENS, TWO, batch, begun, disturb, said
from modelwright import life, merging, shelf, training
from modelwright.__main__ import main
from modelwright.compression import Adapted, shaped
from modelwright.compression.surgery import converted
from modelwright.folder import RunFolder
from modelwright.life.left import beside as learned_beside
from modelwright.machine import tuned
from modelwright.models import Decoder, Encoder, build
from modelwright.models.beginning import Beginning
from modelwright.models.lora import Lora
from modelwright.models.networks import beside, four_bits
from modelwright.nouns import Reference, Refused, Tuning, Unkept
from modelwright.objectives import NextToken
from modelwright.recipe import open_recipe
from modelwright.training.descent import Descent

FOUR = Lora(2, 4.0, stored="nf4")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


# --- the layers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=["mlp", "encoder", "decoder"])
def test_until_it_learns_it_answers_exactly_as_the_base(shape):
    _, *ports = shape
    base, fresh = begun(*shape, Lora(2))
    assert torch.equal(said(base, *ports), said(fresh, *ports))
    assert any(True for _ in beside.beside(fresh))
    assert not torch.allclose(said(disturb(fresh), *ports), said(base, *ports))


@pytest.mark.parametrize("shape", SHAPES, ids=["mlp", "encoder", "decoder"])
@pytest.mark.parametrize("stored", ["float32", "bfloat16", "nf4"])
def test_each_added_matrix_has_a_slope_and_nothing_frozen_has_one(shape, stored):
    """A network that took the weight of a layer, and did not call it, would leave what stands beside it out."""
    _, fresh = begun(*shape, Lora(2, stored=stored))
    disturb(fresh)(batch(shape[1]))[shape[2].name].square().sum().backward()
    moving = {name: weight for name, weight in fresh.named_parameters() if weight.requires_grad}
    assert {name.rpartition(".")[2] for name in moving} == {"down", "up"}
    # softmax does not see what all keys have in common, so a step alone could have no slope; here none is alone
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in moving.values())
    assert all(weight.grad is None for name, weight in fresh.named_parameters() if name not in moving)


def test_a_slope_is_that_of_the_formula():
    layer = nn.Linear(5, 3)
    found = beside.Beside(layer, 2, 6.0, "float32")
    down, up = torch.randn(2, 5), torch.randn(3, 2)
    with torch.no_grad():
        found.down.copy_(down), found.up.copy_(up)
    x = torch.randn(4, 5)
    assert torch.allclose(found(x), x @ (layer.weight + 3.0 * up @ down).T + layer.bias, atol=1e-5)
    assert torch.allclose(found.whole(), layer.weight + 3.0 * up @ down, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=["mlp", "encoder", "decoder"])
@pytest.mark.parametrize("stored", ["float32", "bfloat16", "nf4"])
def test_folded_in_it_answers_the_same_and_is_the_family_again(shape, stored):
    family, reads, writes = shape
    base, fresh = begun(*shape, Lora(2, stored=stored))
    before = said(disturb(fresh), reads, writes)
    whole = build(family, (reads,), (writes,), 5).eval()
    whole.load_state_dict(beside.folded_in(fresh).state_dict())
    assert torch.allclose(said(whole, reads, writes), before, rtol=2e-6, atol=2e-5)
    assert not torch.allclose(before, said(base, reads, writes), atol=1e-3)


def test_layers_are_named_by_how_their_names_end():
    _, fresh = begun(*SHAPES[1], Lora(2, layers=("query", "feed.0")))
    assert [name for name, _ in beside.beside(fresh)] == [f"blocks.{n}.{last}" for n in (0, 1) for last in
                                                         ("attention.query", "feed.0")]  # fmt: skip
    with pytest.raises(Refused, match='names "uery", and the name of no matrix ends so') as refusal:
        begun(*SHAPES[1], Lora(2, layers=("uery",)))
    assert "query, key, value" in " ".join(refusal.value.sentences)


def test_what_learns_itself_has_nothing_beside_it_and_a_drawn_head_learns():
    _, fresh = begun(Encoder(2, 16, 2), TOKENS, THREE, Lora(2), ("blocks.1",), TWO)
    assert {name.split(".")[1] for name, _ in beside.beside(fresh)} == {"0"}
    learns = {name for name, weight in fresh.named_parameters() if weight.requires_grad}
    assert {"heads.ports.label.weight", "heads.ports.label.bias"} < learns
    assert all(name.startswith(("blocks.1.", "heads.")) or name.endswith((".down", ".up")) for name in learns)


def test_what_is_drawn_comes_of_the_seed_and_the_name():
    one, again, other = (begun(*SHAPES[1], Lora(2), seed=seed)[1] for seed in (1, 1, 2))
    pairs = zip(*(dict(beside.beside(module)).values() for module in (one, again, other)), strict=True)
    for mine, same, another in pairs:
        assert torch.equal(mine.down, same.down) and not torch.equal(mine.down, another.down)
        assert mine.down.abs().max() <= mine.columns**-0.5 and not mine.up.any()
    first, second = list(dict(beside.beside(one)).values())[:2]
    assert not torch.equal(first.down, second.down)


# --- four bits --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(8, 64), (3, 5), (7, 30), (1, 1)])
def test_four_bits_are_the_nearest_of_sixteen(size):
    weight = torch.randn(size, generator=torch.Generator().manual_seed(0))
    pairs, scale = four_bits.folded(weight)
    back = four_bits.unfolded(pairs, scale, *size)
    flat, table = weight.reshape(-1), torch.tensor(four_bits.TABLE)
    for place in range(0, weight.numel(), 7):
        group = flat[place // 64 * 64 : place // 64 * 64 + 64]
        choices = table * group.abs().max()
        assert back.reshape(-1)[place] == choices[(choices - flat[place]).abs().argmin()]
    assert pairs.numel() == -(-weight.numel() // 64) * 32
    assert all(torch.equal(a, b) for a, b in zip(four_bits.folded(back), (pairs, scale)))  # what lies on the table stays


def test_four_bits_of_nothing_are_nothing():
    assert torch.equal(four_bits.unfolded(*four_bits.folded(torch.zeros(4, 9)), 4, 9), torch.zeros(4, 9))


def test_a_product_in_four_bits_is_that_of_the_unfolded_matrix():
    weight, x = torch.randn(6, 70), torch.randn(3, 2, 70, requires_grad=True)
    stored = four_bits.folded(weight)
    unfolded = four_bits.unfolded(*stored, 6, 70)
    found = four_bits.product(x, *stored, 6)
    assert torch.equal(found, nn.functional.linear(x, unfolded))
    (slope,) = torch.autograd.grad(found.square().sum(), x)
    (wanted,) = torch.autograd.grad(nn.functional.linear(x, unfolded).square().sum(), x)
    assert torch.allclose(slope, wanted)


def test_four_bits_take_an_eighth_and_no_matrix_is_kept_unfolded():
    _, fresh = begun(Decoder(2, 64, 2), TOKENS, NEXT, FOUR)
    for _, layer in beside.beside(fresh):
        frozen = sum(weight.nbytes for weight in layer.parameters() if not weight.requires_grad)
        assert frozen == layer.rows * layer.columns * (0.5 + 4 / 64)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        fresh(batch(TOKENS))["next"].sum()
    frozen = {weight.shape for _, layer in beside.beside(fresh) for weight in [layer.whole()]}
    assert not frozen & {tensor.shape for tensor in kept if tensor.ndim == 2 and not isinstance(tensor, nn.Parameter)}


# --- the edit ---------------------------------------------------------------------------------------------------------------


class Begun:
    def __init__(self, lora):
        self.beginning = Beginning({}, (), Reference("base"), None, (), lora)


@pytest.mark.parametrize("shape", SHAPES, ids=["mlp", "encoder", "decoder"])
@pytest.mark.parametrize("stored", ["float32", "bfloat16", "nf4"])
def test_the_edit_builds_it_again_from_the_base_and_what_was_learned(shape, stored):
    family, reads, writes = shape
    base, fresh = begun(*shape, Lora(2, stored=stored))
    disturb(fresh)
    run = training.start(fresh, Descent(training.SGD(), NextToken().ready((NEXT,))), Tuning())
    (edit,) = learned_beside(run, Begun(Lora(2, stored=stored)))
    own = edit.learned(fresh.state_dict())
    assert own and own.keys() == training.moving(fresh, run.still).keys()
    with torch.device("meta"):
        again = shaped(build(family, (reads,), (writes,), 0), (edit,))
    again.load_state_dict({**converted((edit,), base.state_dict()), **own}, assign=True)
    assert torch.equal(said(again.eval(), reads, writes), said(fresh, reads, writes))


# --- the life ---------------------------------------------------------------------------------------------------------------


def digits(folder, name, model, **changed):
    sections = {
        "format": 1, "data": {"kind": "bundled", "name": "digits"}, "codec": {"kind": "columns", "label": "target"},
        "model": model, "training": {"epochs": 2, "batch": 64}, "machine": {"device": "cpu", "threads": 1},
        "evaluation": {"baselines": False}, "explanation": {"mistakes": 0},
    }  # fmt: skip
    return open_recipe({**sections, **changed}), RunFolder(folder / name)


@pytest.fixture(scope="module")
def led(tmp_path_factory):
    """A base, and what was learned beside it in float32, bfloat16 and four bits."""
    home = tmp_path_factory.mktemp("led")
    life.run(*digits(home, "base", {"kind": "mlp", "widths": [24, 12]}))
    base = str(home / "base" / "artifact")
    for name, stored in (("whole", "float32"), ("half", "bfloat16"), ("four", "nf4")):
        life.run(*digits(home, name, {"kind": "base", "artifact": base, "lora": {"rank": 2, "stored": stored}}))
    return home


@pytest.fixture
def home(led, tmp_path):
    shutil.copytree(led, tmp_path / "home")
    return tmp_path / "home"


def answers(artifact):
    module, rows = artifact.module.eval(), torch.randn(9, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return module({"inputs": rows})["label"]


@pytest.mark.parametrize("name", ["whole", "half", "four"])
def test_only_what_was_learned_is_stored_and_the_base_is_named(led, name):
    from safetensors.torch import load_file

    stored = load_file(led / name / "artifact" / "weights.safetensors")
    assert {key.rpartition(".")[2] for key in stored} == {"down", "up"}
    told = json.loads((led / name / "artifact" / "label.json").read_text(encoding="utf-8"))
    assert told["base"] == {"path": "../../base/artifact", "digest": shelf.named(led / "base" / "artifact").digest}
    assert "began with the weights of artifact" in told["story"][0]
    artifact = shelf.take(led / name / "artifact")
    assert isinstance(artifact.edits[0], Adapted)
    assert any(value.abs().sum() > 0 for key, value in stored.items() if key.endswith("up")), "it learned"
    base = shelf.take(led / "base" / "artifact")
    assert not torch.allclose(answers(artifact), answers(base))
    assert torch.equal(artifact.module.get_parameter("heads.ports.label.weight"),
                       base.module.get_parameter("heads.ports.label.weight"))  # fmt: skip
    assert all(weight.dtype == torch.float32 for _, weight in artifact.module.named_parameters() if weight.is_floating_point())


def test_both_may_move_together_and_without_its_base_it_says_where_that_was(home):
    artifact, base = home / "whole" / "artifact", home / "base"
    before = answers(shelf.take(artifact))
    base.rename(home / "elsewhere")
    with pytest.raises(Refused, match=r"beside a base alone, and the base is not at .*base.artifact"):
        shelf.take(artifact)
    (home / "elsewhere").rename(base)
    home.rename(home.parent / "moved")
    assert torch.equal(answers(shelf.take(home.parent / "moved" / "whole" / "artifact")), before)


def test_another_base_in_its_place_is_refused(home):
    shutil.rmtree(home / "base" / "artifact")
    shutil.copytree(home / "whole" / "artifact", home / "base" / "artifact")
    with pytest.raises(Refused, match="was learned beside another base than what lies at"):
        shelf.take(home / "whole" / "artifact")


def test_put_elsewhere_it_finds_its_base_still(home):
    artifact = shelf.take(home / "four" / "artifact")
    shelf.put(artifact, home / "deep" / "er" / "copy")
    assert torch.equal(answers(shelf.take(home / "deep" / "er" / "copy")), answers(artifact))


def test_moments_and_snapshots_are_of_what_learns_alone(led, tmp_path):
    stopped = digits(tmp_path, "again", {"kind": "base", "artifact": str(led / "base" / "artifact"), "lora": {"rank": 2}})
    learned = life.only_train(*stopped)
    run = learned.lesson.run
    of_weights = {name.partition(":")[2] for name in run.state if ":" in name}
    assert of_weights and all(name.endswith((".down", ".up")) for name in of_weights)
    assert all(name.endswith((".down", ".up")) for name in run.best)


def test_it_is_not_compressed(led, tmp_path):
    model = {"kind": "base", "artifact": str(led / "base" / "artifact"), "lora": {"rank": 2}}
    with pytest.raises(Refused, match="What is learned beside a base is not compressed"):
        life.run(*digits(tmp_path, "smaller", model, compression=[{"kind": "int8"}],
                         promise={"metric": "accuracy", "loss": 0.05}))  # fmt: skip


# --- folded in --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["whole", "half", "four"])
def test_merged_it_needs_no_base_and_answers_as_before(home, name, capsys):
    before = shelf.take(home / name / "artifact")
    assert main(["merge", str(home / name / "artifact"), "-o", str(home / "merged"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["matrices"] == 2
    shutil.rmtree(home / "base")
    after = shelf.take(home / "merged")
    assert torch.allclose(answers(after), answers(before), rtol=2e-6, atol=1e-5)
    assert not after.edits and after.scores == before.scores and after.base.path == "artifact"
    assert after.story[-1] == "2 matrices folded into their base"


def test_there_must_be_something_to_merge(led, tmp_path, capsys):
    assert main(["merge", str(led / "base" / "artifact"), "-o", str(tmp_path / "merged")]) == 2
    assert "there is nothing to fold in" in capsys.readouterr().err and not (tmp_path / "merged").exists()


def test_a_matrix_that_answers_otherwise_is_found(led, tmp_path, monkeypatch):
    monkeypatch.setattr(beside.Beside, "whole", lambda layer: layer.weight + 1.001 * layer.share * layer.up @ layer.down)
    with pytest.raises(Unkept, match=r"answers otherwise than before, by"):
        merging.merge(shelf.take(led / "whole" / "artifact"), tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_a_merged_model_can_be_gone_on_with(home):
    main(["merge", str(home / "whole" / "artifact"), "-o", str(home / "merged"), "--quiet"])
    life.run(*digits(home, "more", {"kind": "base", "artifact": str(home / "merged"), "train": ["heads"]}))
    with pytest.raises(Refused, match="modelwright merge"):
        life.run(*digits(home, "never", {"kind": "base", "artifact": str(home / "whole" / "artifact")}))
