"""What transformers says with drawn weights (golden/transformers/make.py), against our models that adopted its folders."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from modelwright.data.codecs.documents.passages import Passages
from modelwright.data.codecs.sentences.vectors import Sentences
from modelwright.exchange.huggingface.reading import adopted
from modelwright.models import Decoder, Encoder
from modelwright.models.networks.encoding import Encoding
from modelwright.models.rotary import Linear, Llama3, Yarn
from modelwright.nouns import Artifact, Rows

GOLDEN = Path(__file__).parent / "golden" / "transformers"
SHAPES = ("bert", "gpt2", "llama", "qwen2", "qwen3", "llama3", "linear", "yarn", "yarn_louder")
TEXTS = ["the king comes at night", "The night is long, and the day?", "吾王 é 🙂", "king"]


@cache
def golden(name: str) -> dict[str, Tensor]:
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        return {key: torch.from_numpy(file[key]) for key in file.files}


def said(artifact: Artifact, name: str) -> tuple[Tensor, Tensor]:
    """Ours and theirs on the real steps."""
    mask = golden(name)["mask"]
    batch = {"inputs": golden(name)["tokens"], "mask": mask}
    with torch.no_grad():
        module = artifact.module
        found = module.states(batch) if isinstance(module, Encoding) else module(batch)["next"]
    return found[mask], golden(name)["states" if name == "bert" else "logits"]


@pytest.mark.parametrize("name", SHAPES)
def test_the_same_weights_give_the_same_answers(name):
    found, wanted = said(adopted(GOLDEN / name), name)
    assert wanted.abs().max() > 1, "an answer of zeros would prove nothing"
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_every_weight_matters(name, tmp_path):
    """A weight that took no part in the answer could stand in the wrong place unseen."""
    shutil.copytree(GOLDEN / name, tmp_path / name)
    _, wanted = said(adopted(tmp_path / name), name)
    moved = 0
    for file in sorted((tmp_path / name).glob("*.safetensors")):
        weights = load_file(file)
        for key, weight in weights.items():
            if "pooler" in key or key.endswith(("key.bias", "k_proj.bias")):
                continue  # softmax does not see what is added to every likeness alike
            change = 0.1 * torch.arange(1, weight.numel() + 1).reshape(weight.shape).sin()
            save_file({**weights, key: weight + change}, file)
            changed, _ = said(adopted(tmp_path / name), name)
            assert not torch.allclose(changed, wanted, atol=1e-5), f"{key} changes nothing"
            moved += 1
        save_file(weights, file)
    assert moved >= 20


@pytest.mark.parametrize("name", ["llama3", "linear", "yarn", "yarn_louder"])
def test_positions_that_are_not_stretched_are_seen(name, tmp_path):
    shutil.copytree(GOLDEN / name, tmp_path / name)
    file = tmp_path / name / "config.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**told, "rope_parameters": {"rope_theta": 500.0}}), encoding="utf-8")
    found, wanted = said(adopted(tmp_path / name), name)
    assert not torch.allclose(found, wanted, atol=1e-3)


def test_of_stretched_turns_fast_ones_stay_and_slow_ones_are_divided():
    pace = torch.tensor([1.0, 0.2, 0.01])
    found = Llama3(8.0, 1.0, 4.0, 32).stretched(pace, 500.0)
    assert found[0] == pace[0]
    assert pace[1] / 8 < found[1] < pace[1]
    assert found[2] == pace[2] / 8
    assert torch.equal(Linear(4.0).stretched(pace, 500.0), pace / 4)


@pytest.mark.parametrize("name", SHAPES)
def test_texts_are_the_same_tokens(name):
    codec = adopted(GOLDEN / name).codec
    if isinstance(codec, Passages):
        found = [token for text in TEXTS for token in codec.begin(text)]
    else:
        assert isinstance(codec, Sentences)
        controls = codec.tokenizer.controls
        own = codec.tokenizer.numbers(pl.Series(TEXTS))
        found = [token for numbers in own for token in (*controls.begin, *numbers.tolist(), *controls.end)]
    assert found == golden(name)["ids"].tolist()


def test_a_text_is_answered_with_their_vector():
    """The mean over its steps, control tokens among them, at most 8 of them; of length 1; alone or beside longer texts."""
    artifact = adopted(GOLDEN / "bert")
    batch, faults = artifact.codec.encode(Rows(np.arange(len(TEXTS)), pl.DataFrame({"text": TEXTS})))
    assert faults.is_empty()
    assert int(batch["mask"].sum(1).max()) == 8
    with torch.no_grad():
        found = artifact.module(batch)["vector"]
    torch.testing.assert_close(found, golden("bert")["vectors"], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(len(TEXTS)))


def test_families_are_what_the_config_says():
    assert adopted(GOLDEN / "bert").family == Encoder(2, 16, 4, 24, "learned", "layer", 1e-12, "post", "gelu", dropout=0.1)
    assert adopted(GOLDEN / "gpt2").family == Decoder(
        2, 16, 4, hidden=40, base=0, norm="layer", feed="gelu_tanh", bias=True, dropout=0.1
    )
    assert adopted(GOLDEN / "llama").family == Decoder(2, 16, 4, groups=2, hidden=24, base=500.0, epsilon=1e-4, tied=False)
    qwen2 = Decoder(2, 8, 2, groups=1, hidden=12, base=700.0, epsilon=1e-4, bias="queries")
    assert adopted(GOLDEN / "qwen2").family == qwen2
    assert adopted(GOLDEN / "linear").family.scaling == Linear(3.0)
    assert adopted(GOLDEN / "llama3").family.scaling == Llama3(8.0, 1.0, 4.0, 32)
    assert adopted(GOLDEN / "yarn").family.scaling == Yarn(4.0, first=64)
    assert adopted(GOLDEN / "yarn_louder").family.scaling == Yarn(3.0, 8.0, 2.0, 128, 1.5)
    assert adopted(GOLDEN / "qwen3").family == replace(qwen2, bias=False, each=6, normed=True)
