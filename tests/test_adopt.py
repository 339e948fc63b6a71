"""adopt: folders of Hugging Face become artifacts, or are refused with one sentence and nothing written."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from modelwright import shelf
from modelwright.__main__ import main
from modelwright.exchange.huggingface.origins import cached, head
from modelwright.exchange.huggingface.reading import adopted
from modelwright.models.rotary import Llama3
from modelwright.nouns import Refused

GOLDEN = Path(__file__).parent / "golden" / "transformers"
TURNS = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32, "rope_theta": 500.0,
}  # fmt: skip
"""Of the folder llama3."""
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "rope_theta": 500.0}


@pytest.fixture(params=["bert", "gpt2", "llama"])
def any_folder(request, tmp_path) -> Path:
    return copied(request.param, tmp_path)


def copied(name: str, place: Path) -> Path:
    shutil.copytree(GOLDEN / name, place / name)
    return place / name


def config(folder: Path, **changes: Any) -> None:
    """None takes a field out."""
    file = folder / "config.json"
    told = {**json.loads(file.read_text(encoding="utf-8")), **changes}
    file.write_text(json.dumps({name: value for name, value in told.items() if value is not None}), encoding="utf-8")


def retold(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> None:
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file)


# --- what is made -------------------------------------------------------------------------------------------------------


def test_an_artifact_goes_on_with_texts(tmp_path, capsys):
    assert main(["adopt", str(GOLDEN / "llama"), "-o", str(tmp_path / "a"), "--lang", "en"]) == 0
    assert "the shape of llama" in capsys.readouterr().out
    assert main(["generate", str(tmp_path / "a"), "the king", "--tokens", "5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unknown"] == 0
    taken, made = shelf.take(tmp_path / "a"), adopted(GOLDEN / "llama")
    assert taken.family == made.family
    assert taken.origin == made.origin
    assert taken.codec.begin("the king") == made.codec.begin("the king")
    for name, weight in made.module.state_dict().items():
        assert torch.equal(taken.module.state_dict()[name], weight)
    assert main(["verify", str(tmp_path / "a"), "--lang", "en"]) == 0
    assert "its weights were made elsewhere" in capsys.readouterr().out


def test_an_artifact_answers_with_vectors(tmp_path, capsys):
    rows = tmp_path / "rows.csv"
    rows.write_text('text\nthe king comes at night\n""\n"the king, the king, the king, the king"\n', encoding="utf-8")
    assert main(["adopt", str(GOLDEN / "bert"), "-o", str(tmp_path / "a")]) == 0
    for ending in ("csv", "parquet", "jsonl"):
        assert main(["predict", str(tmp_path / "a"), str(rows), "-o", str(tmp_path / f"v.{ending}"), "--lang", "en"]) == 0
    assert "1 text is longer than 8 tokens" in capsys.readouterr().out
    whole = pl.read_parquet(tmp_path / "v.parquet")
    assert whole["answer"].dtype == pl.Array(pl.Float32, 16)
    with (tmp_path / "v.csv").open(encoding="utf-8", newline="") as file:
        spelled = [line["answer"] for line in csv.DictReader(file)]
    assert np.array_equal(np.array([json.loads(cell) for cell in spelled], np.float32), whole["answer"].to_numpy())
    assert pl.read_ndjson(tmp_path / "v.jsonl")["answer"].to_list()[0] == pytest.approx(whole["answer"].to_list()[0])


def test_what_does_not_go_together_is_refused(tmp_path, capsys):
    assert main(["adopt", str(GOLDEN / "bert"), "-o", str(tmp_path / "bert")]) == 0
    assert main(["adopt", str(GOLDEN / "gpt2"), "-o", str(tmp_path / "gpt2")]) == 0
    rows = tmp_path / "rows.csv"
    rows.write_text("text\nthe king\n", encoding="utf-8")
    capsys.readouterr()
    for words, told in (
        (["generate", "bert", "the"], "answers each text with a vector"),
        (["explain", "bert", "rows.csv"], "answers each text with a vector"),
        (["predict", "gpt2", "rows.csv", "-o", "answers.csv"], "goes on with texts"),
    ):
        placed = [str(tmp_path / word) if word in ("bert", "gpt2", "rows.csv", "answers.csv") else word for word in words]
        assert main([*placed, "--lang", "en"]) == 2
        assert told in capsys.readouterr().err
    assert main(["adopt", str(GOLDEN / "bert"), "-o", str(tmp_path / "bert"), "--lang", "en"]) == 2
    assert "is there already" in capsys.readouterr().err


def test_the_card_says_whose_weights_they_are(tmp_path):
    folder = copied("bert", tmp_path)
    shelf.put(adopted(folder), tmp_path / "a")
    card = (tmp_path / "a" / "README.md").read_text(encoding="utf-8")
    assert "apache-2.0" in card
    assert "ants/bee-tiny" in card
    label = json.loads((tmp_path / "a" / "label.json").read_text(encoding="utf-8"))
    assert label["origin"]["licence"] == "apache-2.0"
    assert len(label["origin"]["digest"]) == 64
    assert str(tmp_path) not in json.dumps(label), "where it lay is nobody's business"
    retold(folder, lambda weights: {**weights, "pooler.dense.bias": weights["pooler.dense.bias"] + 1})
    assert adopted(folder).origin != adopted(GOLDEN / "bert").origin, "other files, another digest"


def test_a_snapshot_of_the_hub_tells_its_name_and_commit(tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    place = tmp_path / "models--ants--bee-tiny" / "snapshots" / commit
    shutil.copytree(GOLDEN / "bert", place)
    origin = adopted(place).origin
    assert origin is not None
    assert (origin.model, origin.revision, origin.base) == ("ants/bee-tiny", commit, "")
    assert cached(tmp_path / "models--ants--bee-tiny" / "snapshots" / "main") == ("", "")


def test_a_head_of_a_card_is_read_line_by_line(tmp_path):
    for text, wanted in (
        ("---\nlicense: mit\n---\n", {"license": "mit"}),
        ("---\r\nlicense: 'mit'\r\ntags:\r\n- a\r\n---\r\n", {"license": "mit", "tags": "a"}),
        ("license: mit\n", {}),
        ("---\nlicense: mit\n", {}),
    ):
        (tmp_path / "README.md").write_bytes(text.encode())
        assert head(tmp_path) == wanted


def test_half_precision_is_read_as_float32(tmp_path):
    folder = copied("llama", tmp_path)
    whole = adopted(folder).module.state_dict()
    for kind in (torch.float16, torch.bfloat16):
        retold(folder, lambda weights, kind=kind: {name: weight.to(kind) for name, weight in weights.items()})
        found = adopted(folder)
        assert {weight.dtype for weight in found.module.state_dict().values()} == {torch.float32}
        torch.testing.assert_close(found.module.state_dict(), whole, atol=1e-2, rtol=1e-2)


def test_names_may_stand_under_a_head(tmp_path):
    """As a model that was saved alone, and as one that was saved with a head."""
    folder = copied("bert", tmp_path)
    alone = adopted(folder).module.state_dict()
    head = {"cls.predictions.bias": torch.ones(16)}
    retold(folder, lambda weights: {**{f"bert.{name}": weight for name, weight in weights.items()}, **head})
    found = adopted(folder)
    assert "cls.predictions.bias" in found.story[-1], "what is left out is told"
    assert all(torch.equal(alone[name], weight) for name, weight in found.module.state_dict().items())


def test_the_first_files_of_gpt2_are_read(tmp_path):
    """One file, no name before the others', and the masks of attention kept as weights."""
    folder = copied("gpt2", tmp_path)
    whole = adopted(folder).module.state_dict()
    shards = sorted(folder.glob("model-*.safetensors"))
    weights = {name.removeprefix("transformer."): w for shard in shards for name, w in load_file(shard).items()}
    for shard in shards:
        shard.unlink()
    masks = {f"h.{n}.attn.{name}": torch.ones(1, 1, 12, 12) for n in range(2) for name in ("bias", "masked_bias")}
    save_file({**weights, **masks}, folder / "model.safetensors")
    found = adopted(folder)
    assert all(torch.equal(whole[name], weight) for name, weight in found.module.state_dict().items())
    assert "h.0.attn.bias" in found.story[-1]


def test_a_tied_head_may_stand_there_once_more(tmp_path):
    folder = copied("llama", tmp_path)
    config(folder, tie_word_embeddings=True)
    with pytest.raises(Refused, match=r"lm_head\.weight is not the embedding, though tie_word_embeddings says so"):
        adopted(folder)
    retold(folder, lambda weights: {**weights, "lm_head.weight": weights["model.embed_tokens.weight"].clone()})
    assert "lm_head.weight" in adopted(folder).story[-1]
    retold(folder, lambda weights: {name: weight for name, weight in weights.items() if name != "lm_head.weight"})
    assert "write.weight" not in adopted(folder).module.state_dict()


def test_a_window_that_is_shorter_cuts_what_is_looked_back_on(tmp_path):
    folder = copied("llama", tmp_path)
    config(folder, model_type="mistral", sliding_window=5)
    found = adopted(folder)
    assert found.codec.encoding.longest == 5
    assert any("sliding_window" in line for line in found.story)
    config(folder, sliding_window=500)
    assert adopted(folder).codec.encoding.longest == 12
    folder = copied("qwen2", tmp_path)
    config(folder, sliding_window=5, layer_types=["sliding_attention"] * 2)
    assert adopted(folder).codec.encoding.longest == 12, "it says that it does not use it"
    config(folder, use_sliding_window=True)
    assert adopted(folder).codec.encoding.longest == 5


def test_older_files_say_the_same(tmp_path):
    folder = copied("llama", tmp_path)
    new = adopted(folder).family
    config(folder, rope_parameters=None, rope_theta=500.0, head_dim=None, dtype=None, torch_dtype="float32")
    assert adopted(folder).family == new


def test_older_files_stretch_positions_the_same(tmp_path):
    folder = copied("llama3", tmp_path)
    new = adopted(folder).family
    older = {key: value for key, value in TURNS.items() if key != "rope_theta"}
    config(folder, rope_parameters=None, rope_theta=500.0, rope_scaling=older)
    assert adopted(folder).family == new
    assert new.scaling == Llama3(8.0, 1.0, 4.0, 32)


# --- what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("llama", {"rope_parameters": {"rope_type": "yarn", "rope_theta": 500.0}}, "rope_parameters"),
        ("yarn", {"rope_parameters": {**YARN, "mscale": 1.0, "mscale_all_dim": 0.8}}, "rope_parameters"),
        ("yarn", {"rope_parameters": {**YARN, "truncate": False}}, "only truncate = true"),
        ("yarn", {"rope_parameters": {**YARN, "beta_fast": -1}}, "beta_fast above 0 is needed"),
        ("yarn", {"rope_parameters": {**YARN, "original_max_position_embeddings": 8.5}}, "a whole number of places"),
        (
            "llama",
            {"rope_parameters": None, "rope_scaling": {"type": "dynamic", "factor": 2.0}},
            "rope_scaling.*linear, llama3, yarn are",
        ),
        ("linear", {"rope_parameters": {"rope_type": "linear", "rope_theta": 500.0}}, "factor above 0 is needed"),
        ("linear", {"rope_parameters": {"rope_type": "linear", "factor": -2}}, "factor above 0 is needed"),
        ("linear", {"rope_parameters": {"rope_type": "linear", "factor": 2, "beta_fast": 32}}, "only plain rotary positions"),
        ("llama3", {"rope_parameters": {**TURNS, "low_freq_factor": 4.0}}, "is not below"),
        ("llama3", {"rope_parameters": {**TURNS, "original_max_position_embeddings": 8.5}}, "a whole number of places"),
        ("llama", {"rope_interleaved": True}, "rope_interleaved"),
        ("llama", {"partial_rotary_factor": 0.5}, "partial_rotary_factor"),
        ("llama", {"hidden_act": "gelu"}, "hidden_act"),
        ("llama", {"attention_bias": True}, "attention_bias"),
        ("llama", {"mlp_bias": True}, "mlp_bias"),
        ("llama", {"head_dim": 8}, r"q_proj\.weight has shape \[16, 16\], the model needs \[32, 16\]"),
        ("llama", {"head_dim": 3, "num_attention_heads": 5, "num_key_value_heads": 5}, "model.each = 3 is odd"),
        ("qwen2", {"model_type": "llama"}, r"k_proj\.bias is not of this model"),
        ("qwen3", {"head_dim": None}, r"the model needs \[256, 8\]"),
        ("qwen3", {"attention_bias": True}, "attention_bias"),
        ("llama", {"layer_types": ["chunked_attention"] * 2}, "layer_types"),
        ("llama", {"sliding_window": "all"}, "sliding_window"),
        ("llama", {"attn_logit_softcapping": 50.0}, "attn_logit_softcapping"),
        ("llama", {"quantization_config": {"bits": 4}}, "quantization_config"),
        ("llama", {"auto_map": {"AutoModel": "modeling.Model"}}, "auto_map asks for code of its makers"),
        ("llama", {"model_type": "mamba"}, "model_type = mamba is not known here"),
        *(
            ("llama", {"model_type": word}, f"model_type = {word} is not known here; bert, .*, mistral, qwen2, qwen3, t5 are")
            for word in ("gemma", "gemma2", "phi", "phi3", "smollm3", "mixtral", "qwen2_moe", "qwen3_moe", "gpt_neox")
        ),
        ("llama", {"num_hidden_layers": None}, "does not say num_hidden_layers"),
        ("llama", {"num_hidden_layers": "two"}, "num_hidden_layers"),
        ("llama", {"num_hidden_layers": 3}, r"layers\.2\.input_layernorm\.weight is missing"),
        ("llama", {"num_hidden_layers": 1}, r"layers\.1\.input_layernorm\.weight is not of this model"),
        ("llama", {"num_attention_heads": 3}, "model.width = 16 does not fall into 3 heads|4 groups|2 groups"),
        ("llama", {"intermediate_size": 25}, r"gate_proj\.weight has shape \[24, 16\], the model needs \[25, 16\]"),
        ("llama", {"vocab_size": 290}, "it numbers 292 tokens, and the embedding has 290"),
        ("llama", {"vocab_size": 296}, r"embed_tokens\.weight has shape \[295, 16\], the model needs \[296, 16\]"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        ("gpt2", {"scale_attn_weights": False}, "scale_attn_weights"),
        ("gpt2", {"activation_function": "swish"}, "activation_function"),
        ("bert", {"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ("bert", {"is_decoder": True}, "is_decoder"),
        ("bert", {"hidden_act": "silu"}, "hidden_act"),
        ("bert", {"type_vocab_size": 3}, r"token_type_embeddings\.weight has shape \[2, 16\]"),
        ("bert", {"embedding_size": 8}, "embedding_size = 8 is not known here and might change answers"),
    ],
)
def test_a_field_that_would_change_answers_is_refused_by_its_name(name, changes, told, tmp_path):
    folder = copied(name, tmp_path)
    config(folder, **changes)
    with pytest.raises(Refused, match=told):
        adopted(folder)


def test_one_shard_missing(tmp_path, capsys):
    folder = copied("gpt2", tmp_path)
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert main(["adopt", str(folder), "-o", str(tmp_path / "a"), "--lang", "en"]) == 2
    assert "model-00002-of-00002.safetensors is not there, which its index names" in capsys.readouterr().err
    assert not (tmp_path / "a").exists(), "nothing half-written"


def test_an_index_that_is_none(tmp_path):
    folder = copied("gpt2", tmp_path)
    index = folder / "model.safetensors.index.json"
    lies = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    for told in ({}, {"weight_map": {"wte.weight": "../../secrets.safetensors"}}, {"weight_map": {"wte.weight": 3}}, []):
        index.write_text(json.dumps(told), encoding="utf-8")
        with pytest.raises(Refused, match="does not say in which file beside it each tensor lies"):
            adopted(folder)
    some = sorted(set(lies.values()))
    swapped = {name: some[1 - some.index(file)] for name, file in lies.items()}
    index.write_text(json.dumps({"weight_map": swapped}), encoding="utf-8")
    with pytest.raises(Refused, match=r"does not hold .*, though its index says so"):
        adopted(folder)


@pytest.mark.parametrize("kept", [0, 5, 100, 2000, -4])
def test_weights_cut_short(kept, tmp_path):
    folder = copied("llama", tmp_path)
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(Refused, match="it is cut short or damaged"):
        adopted(folder)


def test_numbers_that_are_none(tmp_path):
    folder = copied("llama", tmp_path)
    for bad in (torch.nan, torch.inf):
        retold(folder, lambda weights, bad=bad: {**weights, "model.norm.weight": torch.full((16,), bad)})
        with pytest.raises(Refused, match=r"norm\.weight holds numbers that are none"):
            adopted(folder)


def test_numbers_that_are_not_read(tmp_path):
    folder = copied("llama", tmp_path)
    retold(folder, lambda weights: {**weights, "model.norm.weight": torch.ones(16, dtype=torch.int8)})
    with pytest.raises(Refused, match=r"norm\.weight is of I8, and F32, F16, BF16 are read"):
        adopted(folder)


def test_a_tensor_too_many_and_many_too_few(tmp_path):
    folder = copied("llama", tmp_path)
    retold(folder, lambda weights: {**weights, "model.layers.0.self_attn.q_norm.weight": torch.ones(4)})
    with pytest.raises(Refused, match=r"layers\.0\.self_attn\.q_norm\.weight is not of this model"):
        adopted(folder)
    retold(folder, lambda weights: {"model.norm.weight": weights["model.norm.weight"]})
    with pytest.raises(Refused, match=r"is missing; .* is missing; .* is missing; and 17 more"):
        adopted(folder)


def test_pickles_are_not_read(tmp_path):
    folder = copied("llama", tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(Refused, match=r"pytorch_model\.bin alone, which may run code") as refusal:
        adopted(folder)
    assert "safe_serialization=True" in refusal.value.sentences[1]
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(Refused, match=r"has no model\.safetensors"):
        adopted(folder)


def test_a_config_that_is_none(any_folder):
    (any_folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(Refused, match="is not valid JSON"):
        adopted(any_folder)
    (any_folder / "config.json").write_text("[]", encoding="utf-8")
    with pytest.raises(Refused, match="an object of JSON"):
        adopted(any_folder)
    (any_folder / "config.json").unlink()
    with pytest.raises(Refused, match=r"has no config\.json"):
        adopted(any_folder)
    with pytest.raises(Refused, match="is not a folder"):
        adopted(any_folder / "config.json")


def test_a_tokenizer_that_is_not_there(any_folder):
    (any_folder / "tokenizer.json").unlink()
    with pytest.raises(Refused, match=r"has no tokenizer\.json"):
        adopted(any_folder)


@pytest.mark.parametrize(
    ("file", "facts", "told"),
    [
        ("modules.json", [{"type": "sentence_transformers.models.Transformer"}], "only Transformer, Pooling and Normalize"),
        ("modules.json", {"a": 1}, "does not list modules"),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True}, "pools by max_tokens"),
        ("1_Pooling/config.json", {"pooling_mode_max_tokens": True, "pooling_mode_cls_token": True}, "max_tokens, cls"),
        ("1_Pooling/config.json", {"pooling_mode": "mean", "word_embedding_dimension": 8}, "word_embedding_dimension = 8"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "do_lower_case"),
        ("sentence_bert_config.json", {"max_seq_length": -1}, "max_seq_length"),
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}, "default_prompt_name = query"),
    ],
)
def test_pooling_that_is_not_done_here_is_refused(file, facts, told, tmp_path):
    folder = copied("bert", tmp_path)
    (folder / file).write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(Refused, match=told):
        adopted(folder)


def test_pooling_by_the_first_step_and_none_at_all(tmp_path):
    folder = copied("bert", tmp_path)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "cls"}), encoding="utf-8")
    assert adopted(folder).family.answer == "first"
    (folder / "modules.json").unlink()
    found = adopted(folder)
    assert found.family.answer == "mean"
    assert found.codec.encoding.unit is False
    assert found.codec.encoding.longest == 12
