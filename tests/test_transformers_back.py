"""export --to huggingface: what we write is what transformers loads, and what we read back is what we wrote."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tokenizers
import torch

from modelwright import models, shelf
from modelwright.__main__ import main
from modelwright.data.codecs import Pairs
from modelwright.data.codecs.documents import BPE, Character, Documents, Foreign
from modelwright.exchange.huggingface import writing
from modelwright.exchange.huggingface.reading import adopted
from modelwright.exchange.huggingface.writing import export
from modelwright.models import Decoder, Encoder, EncoderDecoder
from modelwright.models.rotary import Linear, Llama3, Yarn
from modelwright.nouns import Artifact, Refused, Rows, Unkept

GOLDEN = Path(__file__).parent / "golden" / "transformers"
SHAPES = ("bert", "gpt2", "llama", "qwen2", "qwen3", "llama3", "linear", "yarn", "yarn_louder")
TEXTS = ["the king comes at night", "The night, the day?", "吾王 é 🙂 <|endoftext|>", "k", "  two \n spaces "]


def own(family: Any, tokenizer: Any, seed: int = 1) -> Artifact:
    """Ours, as it comes from a life: drawn weights, a tokenizer learned from TEXTS."""
    frame = pl.DataFrame({"text": [*TEXTS, "".join(map(chr, range(32, 127)))]})
    rows = Rows(np.arange(len(frame)), frame)
    codec = Documents(longest=16, tokenizer=tokenizer).fit(lambda: iter([rows]))
    return Artifact(family, codec, models.build(family, codec.reads, codec.writes, seed).eval())


OWN = {
    "llama": Decoder(2, 32, 4, groups=2),
    "llama_untied": Decoder(1, 32, 4, tied=False, base=500.0, epsilon=1e-4),
    "llama_wide": Decoder(1, 32, 4, each=6),
    "llama_linear": Decoder(1, 32, 4, scaling=Linear(2.5)),
    "llama3": Decoder(1, 32, 4, scaling=Llama3(8.0, 1.0, 4.0, 32)),
    "yarn": Decoder(1, 32, 4, scaling=Yarn(4.0, first=64)),
    "qwen3": Decoder(1, 32, 4, groups=2, each=6, normed=True),
    "gpt2": Decoder(2, 32, 4, base=0, norm="layer", feed="gelu_tanh", bias=True),
    "gpt2_relu": Decoder(1, 32, 4, base=0, norm="layer", feed="relu", bias=True, tied=False),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_was_adopted_and_written_is_adopted_again(name, tmp_path):
    first = adopted(GOLDEN / name)
    export(first, tmp_path / "out")
    again = adopted(tmp_path / "out")
    assert again.family == first.family
    assert again.codec.encoding == first.codec.encoding
    assert again.codec.tokenizer == first.codec.tokenizer
    for key, weight in first.module.state_dict().items():
        assert torch.equal(again.module.state_dict()[key], weight), key


@pytest.mark.parametrize("name", OWN)
def test_our_own_are_adopted_again(name, tmp_path):
    first = own(OWN[name], BPE(300))
    export(first, tmp_path / "out")
    again = adopted(tmp_path / "out")
    assert again.family.attending == first.family.attending
    assert again.codec.encoding.longest == 16
    for key, weight in first.module.state_dict().items():
        assert torch.equal(again.module.state_dict()[key], weight), key


T5 = EncoderDecoder(1, 2, 24, 3, 10, 16, buckets=8, far=20)
REPLYING = {
    "t5": replace(T5, feed="relu", scaled=False, balance="writing"),
    "t5_1_1": replace(T5, scaled=False, tied=False, balance="none"),
    "as_it_comes": T5,
    "not_balanced": replace(T5, balance="none"),
    "untied_read": replace(T5, tied=False),
    "untied_written": replace(T5, tied=False, balance="writing", feed="swiglu"),
}
"""The first two as theirs are; of the others something is worked into the weights."""


def replying(family: EncoderDecoder, **asked: Any) -> Artifact:
    frame = pl.DataFrame({"source": TEXTS, "target": TEXTS[::-1]})
    rows = Rows(np.arange(len(frame)), frame)
    codec = Pairs(longest=16, reply=12, **{"tokenizer": BPE(300), **asked}).fit(lambda: iter([rows]))
    module = models.build(family, codec.reads, codec.writes, 1).eval()
    with torch.no_grad():
        for weight in module.parameters():
            weight += 0.3 * torch.arange(weight.numel()).reshape(weight.shape).sin()  # no norm of ones, which hides its place
    return Artifact(family, codec, module)


def replied(artifact: Artifact) -> torch.Tensor:
    mask = torch.arange(7) < torch.tensor([7, 4])[:, None]
    tokens = (7 * torch.arange(14).reshape(2, 7)) % artifact.codec.reads[0].kind.alphabet
    with torch.no_grad():
        given = {"inputs": tokens, "mask": mask, "before": tokens.flip(1), "before_mask": mask}
        return artifact.module(given)["next"][mask]


@pytest.mark.parametrize("name", ["t5", "t5_1_1"])
def test_what_replies_comes_back_as_it_was_adopted(name, tmp_path):
    first = adopted(GOLDEN.parent / "t5" / name)
    export(first, tmp_path / "out")
    again = adopted(tmp_path / "out")
    assert again.family == first.family
    assert again.codec.encoding == first.codec.encoding
    assert again.codec.tokenizer == first.codec.tokenizer
    for key, weight in first.module.state_dict().items():
        assert torch.equal(again.module.state_dict()[key], weight), key


@pytest.mark.parametrize("name", REPLYING)
def test_what_replies_answers_the_same_when_it_comes_back(name, tmp_path):
    first = replying(REPLYING[name])
    export(first, tmp_path / "out")
    again = adopted(tmp_path / "out")
    wanted = replied(first)
    assert wanted.abs().max() > 0.1, "an answer of zeros would prove nothing"
    torch.testing.assert_close(replied(again), wanted, atol=1e-5, rtol=1e-5)
    rows = Rows(np.arange(len(TEXTS)), pl.DataFrame({"source": TEXTS, "target": TEXTS}))
    ours, theirs = (one.codec.encode(rows)[0] for one in (first, again))
    assert theirs["inputs"].tolist() == ours["inputs"].tolist()
    assert theirs["before"][:, :3].tolist() == ours["before"][:, :3].tolist()


@pytest.mark.parametrize("forgotten", ["SelfAttention.q.weight", "EncDecAttention.q.weight", "shared.weight"])
def test_a_weight_that_is_not_reworked_is_seen(forgotten, tmp_path, monkeypatch):
    first, whole = replying(T5), writing.theirs

    def planted(artifact: Artifact, shape: Any) -> Any:
        plain = whole(replace(artifact, family=REPLYING["t5"]), shape)
        return {name: plain[name] if name.endswith(forgotten) else tensor for name, tensor in whole(artifact, shape).items()}

    monkeypatch.setattr(writing, "theirs", planted)
    monkeypatch.setattr(writing, "find_spec", lambda name: None)
    export(first, tmp_path / "out")
    assert not torch.allclose(replied(adopted(tmp_path / "out")), replied(first), atol=1e-3)


@pytest.mark.parametrize(
    ("family", "asked", "told"),
    [
        (replace(T5, positions="sinusoidal"), {}, "positions = buckets"),
        (replace(T5, norm="layer"), {}, "norm = rms"),
        (replace(T5, order="post"), {}, "order = pre"),
        (replace(T5, bias=True), {}, "no bias"),
        (replace(T5, feed="gelu"), {}, "T5 has no feed = gelu; relu, geglu, swiglu are written"),
        (T5, {"replies": Character(60)}, "one tokenizer; this model has two"),
    ],
)
def test_what_replies_otherwise_is_refused(family, asked, told, tmp_path):
    with pytest.raises(Refused, match=told):
        export(replying(family, **asked), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("tokenizer", [BPE(300), Character(60)])
def test_a_tokenizer_of_ours_gives_the_same_numbers_to_others(tokenizer, tmp_path):
    artifact = own(OWN["llama"], tokenizer)
    export(artifact, tmp_path / "out")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "out" / "tokenizer.json"))
    theirs.encode_special_tokens = True
    for text in TEXTS:
        numbers = artifact.codec.begin(text)
        assert theirs.encode(text).ids == numbers
        if artifact.codec.controls.unknown not in numbers:
            assert theirs.decode(numbers) == text
    assert theirs.get_vocab_size() == artifact.codec.alphabet
    again = adopted(tmp_path / "out").codec
    assert again.controls.stops == artifact.codec.controls.stops
    assert again.controls.unknown == (1 if isinstance(tokenizer, Character) else again.controls.unknown)


def test_a_tokenizer_that_ends_what_is_to_be_gone_on_with_is_refused(tmp_path):
    """As BERT's does: others would put [SEP] behind a prompt."""
    with pytest.raises(Refused, match=r"others would read .* as other tokens"):
        export(own(OWN["llama"], Foreign(GOLDEN / "bert" / "tokenizer.json")), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command(tmp_path, capsys):
    shelf.put(own(OWN["gpt2"], BPE(300)), tmp_path / "a")
    assert main(["export", str(tmp_path / "a"), "--to", "huggingface", "-o", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["export"] == str(tmp_path / "out")
    assert main(["export", str(tmp_path / "a"), "--to", "huggingface", "-o", str(tmp_path / "out"), "--lang", "en"]) == 2
    assert "is there already" in capsys.readouterr().err
    named = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert named["eos_token"] == "<|endoftext|>"
    assert "license" not in (tmp_path / "out" / "README.md").read_text(encoding="utf-8"), "nobody said one"


def test_licence_and_base_go_on(tmp_path):
    export(adopted(GOLDEN / "bert"), tmp_path / "out")
    origin = adopted(tmp_path / "out").origin
    assert (origin.licence, origin.base) == ("apache-2.0", "ants/bee-tiny")


@pytest.mark.parametrize(
    ("family", "told"),
    [
        (Decoder(1, 32, 4, bias=True), "the shape of neither Llama nor Qwen"),
        (Decoder(1, 32, 4, bias="queries"), "with a tokenizer of its own, not with ours"),
        (Decoder(1, 32, 4, norm="layer"), "the shape of neither Llama nor Qwen"),
        (Decoder(1, 32, 4, bias="queries", normed=True), "the shape of neither Llama nor Qwen"),
        (Decoder(1, 32, 4, base=0, norm="layer", feed="gelu", bias="queries"), "the shape of GPT-2"),
        (Decoder(1, 32, 4, base=0, norm="layer", feed="gelu", bias=True, each=4), "the shape of GPT-2"),
        (Decoder(1, 32, 4, base=0), "the shape of GPT-2"),
        (Decoder(1, 32, 4, base=0, norm="layer", feed="gelu", bias=True, groups=2), "the shape of GPT-2"),
    ],
)
def test_what_has_no_counterpart_is_refused(family, told, tmp_path):
    with pytest.raises(Refused, match=told):
        export(own(family, BPE(300)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_model_that_answers_labels_is_refused(tmp_path):
    codec = adopted(GOLDEN / "bert").codec
    family = Encoder(1, 16, 4)
    with pytest.raises(Refused, match="positions = learned"):
        export(Artifact(family, codec, models.build(family, codec.reads, codec.writes, 0)), tmp_path / "out")


# --- where transformers is installed ------------------------------------------------------------------------------------

there = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")


@there
@pytest.mark.parametrize("name", SHAPES)
def test_transformers_answers_the_same_with_what_was_adopted(name, tmp_path):
    apart = export(adopted(GOLDEN / name), tmp_path / "out")
    assert apart is not None
    assert apart < 1e-5


@there
@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("tokenizer", [BPE(300), Character(60)])
def test_transformers_answers_the_same_with_our_own(name, tokenizer, tmp_path):
    artifact = own(OWN[name], tokenizer)
    apart = export(artifact, tmp_path / "out")
    assert apart is not None
    assert apart < 1e-5
    transformers = importlib.import_module("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    for text in ("the king", "The night, the day?"):
        assert theirs(text)["input_ids"] == artifact.codec.begin(text)
        assert theirs.decode(theirs(text)["input_ids"], skip_special_tokens=True) == text


@there
@pytest.mark.parametrize("name", [*REPLYING, "golden t5", "golden t5_1_1"])
def test_transformers_replies_the_same(name, tmp_path):
    artifact = adopted(GOLDEN.parent / "t5" / name.split()[1]) if " " in name else replying(REPLYING[name])
    apart = export(artifact, tmp_path / "out")
    assert apart is not None
    assert apart < 1e-5


@there
def test_texts_that_would_be_other_tokens_are_unkept(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "REPLACED", ())
    with pytest.raises(Unkept, match=r"transformers reads .* as other tokens"):
        export(own(Decoder(1, 32, 4, bias="queries"), Character(60)), tmp_path / "out")


@there
def test_a_folder_of_theirs_that_answers_otherwise_is_unkept(tmp_path, monkeypatch):
    artifact = own(OWN["llama"], BPE(300))
    whole = writing.theirs
    monkeypatch.setattr(writing, "theirs", lambda *asked: {name: 1.01 * weight for name, weight in whole(*asked).items()})
    with pytest.raises(Unkept, match="transformers answers otherwise"):
        export(artifact, tmp_path / "out")
