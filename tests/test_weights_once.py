"""Weights lie in memory once: a file goes by while its tensors are made, and what does not learn is the base's own."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import weakref
from hashlib import sha256

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save
from torch.utils._python_dispatch import TorchDispatchMode

from modelwright import life, preparing, shelf, vault
from modelwright.folder import RunFolder
from modelwright.models.beginning import as_stored
from modelwright.models.lora import Lora
from modelwright.nouns import Refused
from modelwright.parallel import ALONE
from modelwright.recipe import open_recipe
from modelwright.shelf.tensors import tensors
from modelwright.vault.pieces import Pieces

KINDS = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
         torch.uint8, torch.bool]  # fmt: skip
WEIGHTS = "weights.safetensors"


def pieces(data):
    return Pieces(io.BytesIO(data), len(data))


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape
        assert torch.equal(found[name].flatten().view(torch.uint8), tensor.flatten().view(torch.uint8))


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.lists(st.integers(0, 5), max_size=3)), max_size=6), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_what_is_read_is_what_the_library_reads(order, seed):
    dice = torch.Generator().manual_seed(seed)
    told = {f"t{place}": (torch.randn(shape, generator=dice) * 50).to(dtype) for place, (dtype, shape) in enumerate(order)}
    data = save(told, {"made": "here"})
    flow = pieces(data)
    same(tensors(flow), load(data))
    assert flow.rest() == sha256(data).hexdigest()


def laid(head, body=bytes(16)):
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + body


def one(start=0, end=16, shape=(4,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"abc", struct.pack("<Q", 2**60) + b"{}", struct.pack("<Q", 900) + b"{}", laid([1]), laid({"a": 1}),
        laid({"a": one(4)}), laid({"a": one(0, 16), "b": one(8, 16, (2,))}), laid({"a": one(0, 8, (2,))}),
        laid({"a": one(0, 4, (1,)), "b": one(8, 16, (2,))}), laid({"a": one(0, 2**40, (2**38,))}),
        laid({"a": one(0, 16, (-4,))}), laid({"a": one(dtype="F8")}), laid({"a": one(shape=(4.0,))}),
        laid({"a": {"dtype": "F32"}}), laid({"a": one()}, bytes(17)), laid({"a": one()}, bytes(15)),
        laid({"a": one(0, 0, (0, 2**62, 2**62))}, b""),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_with_its_name(tmp_path, data):
    """Though its digest is that of the manifest: whoever wrote the one may have written the other."""
    files = {"label.json": b"{}", "codec.safetensors": b"", "rows.safetensors": b"", WEIGHTS: data}
    vault.put_folder(tmp_path / "a", files)
    with pytest.raises(Refused, match=r"weights\.safetensors"):
        shelf.take(tmp_path / "a")


# --- the vault --------------------------------------------------------------------------------------------------------------


def test_one_file_flows_by_and_the_others_are_taken(tmp_path):
    files = {"a": b"first", "b": bytes(range(256)) * 9000, "c": b""}
    vault.put_folder(tmp_path / "a", files)
    for name, data in files.items():
        others, made = vault.take_flowing(tmp_path / "a", name, lambda flow: (flow.take(2) if flow.left else b"", flow.left))
        assert others == {key: value for key, value in files.items() if key != name}
        assert made == (data[:2], max(0, len(data) - 2))
    assert vault.take_flowing(tmp_path / "a", "d", lambda flow: 1) == (files, None)


@pytest.mark.parametrize("place", [0, 1, 4999, 5000, 9999])
def test_a_changed_byte_is_told_whatever_it_broke_and_nothing_comes_of_it(tmp_path, place):
    """Read or not: also where whoever reads stumbles over it first."""
    data = bytes(10_000)
    vault.put_folder(tmp_path / "a", {"w": data})
    (tmp_path / "a" / "w").write_bytes(data[:place] + b"\1" + data[place + 1 :])

    def half(flow):
        if flow.take(5000) != bytes(5000):
            raise KeyError("stumbled")

    for understand in (half, lambda flow: None, Pieces.rest):
        with pytest.raises(Refused, match="w does not match its manifest: its 10,000 bytes have another SHA-256"):
            vault.take_flowing(tmp_path / "a", "w", understand)


def test_whoever_stumbles_over_what_is_as_it_was_written_is_heard(tmp_path):
    vault.put_folder(tmp_path / "a", {"w": b"123"})
    with pytest.raises(ValueError, match="4 bytes are wanted and 3 are left"):
        vault.take_flowing(tmp_path / "a", "w", lambda flow: flow.take(4))


def test_sealed_it_flows_in_clear(tmp_path):
    from modelwright.vault import Seal

    seal = Seal(bytes(32))
    with vault.sealed(seal, tmp_path):
        vault.put_folder(tmp_path / "a", {"w": b"a secret", "x": b"y"})
        assert vault.take_flowing(tmp_path / "a", "w", lambda flow: flow.take(8)) == ({"x": b"y"}, b"a secret")
    with pytest.raises(Refused, match="is sealed"):
        vault.take_flowing(tmp_path / "a", "w", lambda flow: flow.take(8))


# --- a base -----------------------------------------------------------------------------------------------------------------


class Made(TorchDispatchMode):
    """Bytes of all tensors that come to be meanwhile, on any device but meta."""

    def __init__(self):
        super().__init__()
        self.storages = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        known = {tensor.untyped_storage().data_ptr() for tensor in args if isinstance(tensor, torch.Tensor)}
        for tensor in found if isinstance(found, (list, tuple)) else (found,):
            if not isinstance(tensor, torch.Tensor) or tensor.device.type == "meta":
                continue
            if (place := tensor.untyped_storage().data_ptr()) not in known:
                self.storages[place] = max(self.storages.get(place, 0), tensor.untyped_storage().nbytes())
        return found

    @property
    def bytes(self):
        return sum(self.storages.values())


def order(folder, name, model):
    told = {
        "format": 1, "data": {"kind": "bundled", "name": "digits"}, "codec": {"kind": "columns", "label": "target"},
        "model": model, "training": {"epochs": 1, "batch": 256}, "machine": {"device": "cpu", "threads": 1},
        "evaluation": {"baselines": False}, "explanation": {"mistakes": 0},
    }  # fmt: skip
    return open_recipe(told), RunFolder(folder / name)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    life.run(*order(home, "base", {"kind": "mlp", "widths": [500, 500, 500, 500]}))
    return home / "base" / "artifact"


def test_a_file_is_not_held_beside_what_is_made_of_it(base):
    size = (base / WEIGHTS).stat().st_size
    shelf.take(base)  # what is loaded once
    tracemalloc.start()
    try:
        artifact = shelf.take(base)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(weight.nbytes for weight in artifact.module.parameters()) > 0.99 * size
    assert most < 0.4 * size, "the bytes of the file lay there"


def test_where_half_is_ordered_the_whole_is_never_there(base):
    """Each matrix is rounded as it is read: no wide one outlives the next."""
    size, most = (base / WEIGHTS).stat().st_size, 0
    alive = weakref.WeakSet()

    def watched(name, weight):
        nonlocal most
        made = as_stored((), Lora(stored="bfloat16"))(name, weight)
        alive.add(weight)
        most = max(most, sum(tensor.nbytes for tensor in alive if tensor.ndim == 2))
        return made

    artifact = shelf.take(base, stored=watched)
    state = artifact.module.state_dict()
    assert 0.5 * size < sum(storages(state.values()).values()) < 0.6 * size
    wide = [weight.nbytes for weight in state.values() if weight.ndim == 2 and weight.dtype == torch.float32]
    assert most <= sum(wide) + 2 * max(2 * weight.nbytes for weight in state.values())


def begun(base, **model):
    recipe, _ = order(base.parent.parent, "none", {"kind": "base", "artifact": str(base), **model})
    material = life.gather(recipe)
    recipe, start = life.opened(recipe, material)
    return recipe, life.encode(recipe, material, start)


def storages(tensors):
    return {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}


@pytest.mark.parametrize("model", [{"lora": {"rank": 2}}, {"train": ["heads"]}])
def test_what_does_not_learn_lies_there_once_however_many_lessons_are_made(base, model):
    recipe, encoded = begun(base, **model)
    weights = encoded.start.beginning.weights
    whole = sum(weight.nbytes for weight in weights.values())
    with Made() as made:
        modules = [preparing.parts(recipe, encoded, ALONE)[0] for _ in range(2)]
    learned = sum(weight.nbytes for module in modules for weight in module.parameters() if weight.requires_grad)
    assert learned < whole / 20
    assert made.bytes < whole / 5, "weights were drawn to be thrown away, or copied"
    held = [*weights.values(), *(weight for module in modules for weight in module.state_dict().values())]
    assert sum(storages(held).values()) <= whole + 2 * learned


def test_what_learns_is_a_copy(base):
    recipe, encoded = begun(base)
    before = {name: weight.clone() for name, weight in encoded.start.beginning.weights.items()}
    module, _, _ = preparing.parts(recipe, encoded, ALONE)
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor += 1
    for name, weight in encoded.start.beginning.weights.items():
        assert torch.equal(weight, before[name]), name
