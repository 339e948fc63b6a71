"""What transformers says with drawn weights (golden/transformers/make.py), against our encoder and decoder that carry them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from modelwright.models import Decoder, Encoder, build
from modelwright.nouns import Batch, Classes, Family, Port, Tokens

GOLDEN = Path(__file__).parent / "golden" / "transformers"
TOKENS, LABEL = Port("inputs", Tokens(23, 12)), Port("label", Classes(("ant", "bee")))
TWINS: dict[str, Family] = {
    "bert": Encoder(2, 16, 4, 24, "learned", "layer", 1e-12, "post", "gelu"),
    "gpt2": Decoder(2, 16, 4, hidden=40, base=0, norm="layer", feed="gelu_tanh", bias=True),
    "llama": Decoder(2, 16, 4, groups=2, hidden=24, base=500.0, epsilon=1e-4, tied=False),
}


def golden(name: str) -> dict[str, Tensor]:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def linear(at: str, weights: Batch, theirs: str) -> Batch:
    return {f"{at}.{part}": weights[f"{theirs}.{part}"] for part in ("weight", "bias") if f"{theirs}.{part}" in weights}


def bert(w: Batch) -> Batch:
    """The vector of the first segment, which every step gets where nothing is said, is added to those of the places."""
    segment = w["embeddings.token_type_embeddings.weight"][0]
    found = {
        "steps.table.weight": w["embeddings.word_embeddings.weight"],
        "places.table.weight": w["embeddings.position_embeddings.weight"] + segment,
        **linear("start", w, "embeddings.LayerNorm"),
    }
    for n in range(2):
        ours, theirs = f"blocks.{n}", f"encoder.layer.{n}"
        for part in ("query", "key", "value"):
            found |= linear(f"{ours}.attention.{part}", w, f"{theirs}.attention.self.{part}")
        found |= linear(f"{ours}.attention.out", w, f"{theirs}.attention.output.dense")
        found |= linear(f"{ours}.norms.0", w, f"{theirs}.attention.output.LayerNorm")
        found |= linear(f"{ours}.feed.0", w, f"{theirs}.intermediate.dense")
        found |= linear(f"{ours}.feed.2", w, f"{theirs}.output.dense")
        found |= linear(f"{ours}.norms.1", w, f"{theirs}.output.LayerNorm")
    return found


def gpt2(w: Batch) -> Batch:
    """GPT-2 keeps its kernels as (in, out), and queries, keys and values side by side."""
    found = {"steps.table.weight": w["transformer.wte.weight"], "places.table.weight": w["transformer.wpe.weight"]}
    found |= linear("end", w, "transformer.ln_f")
    for n in range(2):
        ours, theirs = f"blocks.{n}", f"transformer.h.{n}"
        turned = {key: value.T if key.endswith("weight") and value.ndim == 2 else value for key, value in w.items()}
        for part in ("weight", "bias"):
            thirds = turned[f"{theirs}.attn.c_attn.{part}"].chunk(3)
            found |= {f"{ours}.attention.{name}.{part}": third for name, third in zip(("query", "key", "value"), thirds)}
        found |= linear(f"{ours}.attention.out", turned, f"{theirs}.attn.c_proj")
        found |= linear(f"{ours}.feed.0", turned, f"{theirs}.mlp.c_fc")
        found |= linear(f"{ours}.feed.2", turned, f"{theirs}.mlp.c_proj")
        found |= linear(f"{ours}.norms.0", w, f"{theirs}.ln_1") | linear(f"{ours}.norms.1", w, f"{theirs}.ln_2")
    return found


def llama(w: Batch) -> Batch:
    found = {"steps.table.weight": w["model.embed_tokens.weight"], "write.weight": w["lm_head.weight"]}
    found |= linear("end", w, "model.norm")
    for n in range(2):
        ours, theirs = f"blocks.{n}", f"model.layers.{n}"
        for name, their in (("query", "q"), ("key", "k"), ("value", "v"), ("out", "o")):
            found |= linear(f"{ours}.attention.{name}", w, f"{theirs}.self_attn.{their}_proj")
        for name in ("gate", "up", "down"):
            found |= linear(f"{ours}.feed.{name}", w, f"{theirs}.mlp.{name}_proj")
        found |= linear(f"{ours}.norms.0", w, f"{theirs}.input_layernorm")
        found |= linear(f"{ours}.norms.1", w, f"{theirs}.post_attention_layernorm")
    return found


def carried(name: str, weights: Batch) -> torch.nn.Module:
    """Our module with their weights, all of which have a place; an encoder's head says nothing here and stays ours."""
    writes = LABEL if name == "bert" else Port("next", Tokens(23, 12))
    module = build(TWINS[name], (TOKENS,), (writes,), seed=0).eval()
    ours = {"bert": bert, "gpt2": gpt2, "llama": llama}[name](weights)
    missing, unexpected = module.load_state_dict(ours, strict=False)
    assert not unexpected
    assert {key.split(".")[0] for key in missing} <= {"heads"}
    return module


def said(name: str, weights: Batch) -> tuple[Tensor, Tensor]:
    """Ours and theirs on the real steps. Token 0 is padding for us and is drawn as well; no real step has it."""
    module, mask = carried(name, weights), weights["mask"]
    batch = {"inputs": weights["tokens"], "mask": mask}
    with torch.no_grad():
        found = module.states(batch) if name == "bert" else module(batch)["next"]
    return found[mask], weights["states" if name == "bert" else "logits"][mask]


@pytest.mark.parametrize("name", TWINS)
def test_the_same_weights_give_the_same_answers(name):
    found, wanted = said(name, golden(name))
    assert wanted.abs().max() > 1, "an answer of zeros would prove nothing"
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", TWINS)
def test_every_weight_matters(name):
    """A weight that took no part in the answer could stand in the wrong place unseen."""
    weights = golden(name)
    _, wanted = said(name, weights)
    for key, weight in weights.items():
        if key in ("tokens", "mask", "logits", "states") or "token_type" in key:
            continue
        if key.endswith(("key.bias", "k_proj.bias")):
            continue  # softmax does not see what is added to every likeness alike
        changed, _ = said(name, {**weights, key: weight + 0.1 * torch.arange(weight.numel()).reshape(weight.shape).sin()})
        assert not torch.allclose(changed, wanted, atol=1e-5), f"{key} changes nothing"
