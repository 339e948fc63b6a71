"""What transformers' T5 says with drawn weights (golden/t5/make.py), against our encoder and decoder that carry them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor

from modelwright import evaluation, generating, shelf
from modelwright.exchange.huggingface.reading import adopted
from modelwright.models import EncoderDecoder, build
from modelwright.models.sampling import Sampling
from modelwright.nouns import Batch, Port, Refused, Reply, Rows, Tokens

GOLDEN = Path(__file__).parent / "golden" / "t5"
T5 = EncoderDecoder(2, 3, 16, 4, 6, 24, buckets=8, far=20, feed="relu", scaled=False, balance="writing")
SHAPES = {"t5": T5, "t5_1_1": replace(T5, feed="geglu", tied=False, balance="none")}
READS = (Port("inputs", Tokens(23, 30)), Port("before", Tokens(23, 30)))
WRITES = (Port("next", Reply(23, 30, shared=True)),)
GIVEN = ("inputs", "mask", "before", "before_mask", "logits")


def golden(name: str) -> dict[str, Tensor]:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def ours(w: Batch) -> Batch:
    """Theirs has the bias of distances in the first block, which all others share."""
    found = {"steps.table.weight": w["shared.weight"]}
    found |= {"write.weight": w["lm_head.weight"]} if "lm_head.weight" in w else {}
    for place, (side, name, blocks) in enumerate((("encoder", "reader", 2), ("decoder", "writer", 3))):
        found[f"ends.{place}.weight"] = w[f"{side}.final_layer_norm.weight"]
        bias = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        found[f"buckets.{place}.table.weight"] = w[bias]
        for n in range(blocks):
            parts = [("attention", "SelfAttention"), *([("cross", "EncDecAttention")] if side == "decoder" else [])]
            block = f"{side}.block.{n}.layer"
            for layer, (kind, their) in enumerate(parts):
                for part, letter in (("query", "q"), ("key", "k"), ("value", "v"), ("out", "o")):
                    found[f"{name}.{n}.{kind}.{part}.weight"] = w[f"{block}.{layer}.{their}.{letter}.weight"]
            for layer in range(len(parts) + 1):
                found[f"{name}.{n}.norms.{layer}.weight"] = w[f"{block}.{layer}.layer_norm.weight"]
            feed = f"{block}.{len(parts)}.DenseReluDense"
            names = {"gate": "wi_0", "up": "wi_1", "down": "wo"} if f"{feed}.wi_0.weight" in w else {"0": "wi", "2": "wo"}
            found |= {f"{name}.{n}.feed.{part}.weight": w[f"{feed}.{their}.weight"] for part, their in names.items()}
    return found


def said(name: str, weights: Batch) -> tuple[Tensor, Tensor]:
    """Ours and theirs on the real steps; all of their weights have a place, and all of ours get one."""
    module = build(SHAPES[name], READS, WRITES, seed=0).eval()
    module.load_state_dict(ours(weights))
    real = weights["before_mask"]
    with torch.no_grad():
        return module(weights)["next"][real], weights["logits"][real]


@pytest.mark.parametrize("name", SHAPES)
def test_a_folder_is_adopted_and_answers_alike(name, tmp_path):
    """With its tokenizer, whose replies begin with the token that T5 begins them with; through the shelf and back."""
    made = adopted(GOLDEN / name)
    weights = golden(name)
    assert made.family == SHAPES[name]
    real = weights["before_mask"]
    with torch.no_grad():
        found = made.module(weights)["next"][real]
    torch.testing.assert_close(found, weights["logits"][real], atol=1e-5, rtol=1e-5)
    batch, _ = made.codec.encode(Rows(np.arange(1), pl.DataFrame({"source": ["the cat"], "target": ["sat"]})))
    assert batch["inputs"].tolist()[0][-1] == 1 and batch["before"].tolist()[0][0] == 0
    assert batch["next"].tolist()[0][-1] == 1 and len(batch["next"][0]) == len(batch["before"][0])
    shelf.put(made, tmp_path / "artifact")
    again = shelf.take(tmp_path / "artifact")
    with torch.no_grad():
        assert torch.equal(again.module(weights)["next"][real], found)
    begun = generating.begin(again, "the cat")
    assert begun.tokens == batch["inputs"].tolist()[0] and begun.reply == (0,)
    said = "".join(generating.generate(again, begun, Sampling(most=6)))
    assert evaluation.answer_rows(again.module, again.codec, Rows(np.arange(1), pl.DataFrame({"source": ["the cat"]}))).frame[
        "answer"
    ][0].startswith(said)


def test_what_is_no_t5_is_refused(tmp_path):
    for change, told in (
        ({"feed_forward_proj": "tanh"}, "feed_forward_proj"), ({"new_field": 3}, "new_field"), ({"d_kv": 7}, "q.weight"),
    ):  # fmt: skip
        shutil.copytree(GOLDEN / "t5", tmp_path / told)
        config = json.loads((tmp_path / told / "config.json").read_text(encoding="utf-8"))
        (tmp_path / told / "config.json").write_text(json.dumps({**config, **change}), encoding="utf-8")
        with pytest.raises(Refused, match=told):
            adopted(tmp_path / told)


@pytest.mark.parametrize("name", SHAPES)
def test_the_same_weights_give_the_same_answers(name):
    found, wanted = said(name, golden(name))
    assert wanted.abs().max() > 1, "an answer of zeros would prove nothing"
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_every_weight_matters(name):
    """A weight that took no part in the answer could stand in the wrong place unseen."""
    weights = golden(name)
    _, wanted = said(name, weights)
    for key, weight in weights.items():
        if key not in GIVEN:
            changed, _ = said(name, {**weights, key: weight + 0.1 * torch.arange(weight.numel()).reshape(weight.shape).sin()})
            assert not torch.allclose(changed, wanted, atol=1e-5), f"{key} changes nothing"
