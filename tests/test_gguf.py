"""GGUF files: weights of fewer bits and their order of rows, the tokenizer inside, and everything that is refused."""

from __future__ import annotations

import json
import random
import struct
from collections import Counter
from pathlib import Path

import gguf
import numpy as np
import pytest
import tokenizers
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright import generating, shelf
from modelwright.__main__ import main
from modelwright.exchange.gguf import pieces
from modelwright.exchange.gguf.opening import READ, opened
from modelwright.exchange.gguf.reading import adopted
from modelwright.machine import tuned
from modelwright.models import Decoder, build
from modelwright.models.generation import generate
from modelwright.models.rotary import Llama3
from modelwright.models.sampling import Sampling
from modelwright.nouns import Port, Refused, Tokens, Tuning

GOLDEN = Path(__file__).parent / "golden" / "transformers"
FAMILY = Decoder(2, 64, 4, groups=2, hidden=96, base=5000.0, tied=True)
TEXT = "the cat sat on the mat, 1234 times: don't! Été, 中文\n\n\tthe end " * 3
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LAYERS = {
    "attention.query": "attn_q", "attention.key": "attn_k", "attention.value": "attn_v", "attention.out": "attn_output",
    "norms.0": "attn_norm", "norms.1": "ffn_norm", "feed.gate": "ffn_gate", "feed.up": "ffn_up", "feed.down": "ffn_down",
    "steps.table": "token_embd", "end": "output_norm", "write": "output",
}  # fmt: skip
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with tuned(Tuning(threads=1)):
        yield


@pytest.fixture(scope="module")
def learned():
    """Byte pairs as the library learns them, control tokens first."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=alphabet, show_progress=False, special_tokens=SPECIAL
    )
    made.train_from_iterator([TEXT], trainer)
    return json.loads(made.to_str())["model"]


def facts(learned, pre="smollm"):
    """What the file says: name -> (how the writer calls it, value)."""
    tokens = sorted(learned["vocab"], key=learned["vocab"].get)
    return {
        "context_length": ("add_context_length", 128), "embedding_length": ("add_embedding_length", 64),
        "block_count": ("add_block_count", 2), "feed_forward_length": ("add_feed_forward_length", 96),
        "head_count": ("add_head_count", 4), "head_count_kv": ("add_head_count_kv", 2),
        "epsilon": ("add_layer_norm_rms_eps", 1e-5), "base": ("add_rope_freq_base", 5000.0),
        "dimension": ("add_rope_dimension_count", 16), "name": ("add_name", "Tiny"), "license": ("add_license", "mit"),
        "model": ("add_tokenizer_model", "gpt2"), "pre": ("add_tokenizer_pre", pre), "tokens": ("add_token_list", tokens),
        "merges": ("add_token_merges", [" ".join(pair) for pair in learned["merges"]]),
        "types": ("add_token_types", [3] * 3 + [1] * (len(tokens) - 3)), "eos": ("add_eos_token_id", 2),
        "template": ("add_chat_template", TEMPLATE),
    }  # fmt: skip


def named(ours):
    """What llama.cpp's converter calls one of ours."""
    layer, _, part = ours.rpartition(".")
    if layer.startswith("blocks."):
        _, n, layer = layer.split(".", 2)
        return f"blk.{n}.{LAYERS[layer]}.{part}"
    return f"{LAYERS[layer]}.{part}"


def permuted(weight, heads):
    """llama.cpp's convert_hf_to_gguf.py, LlamaModel.permute."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def theirs(module):
    found = {}
    for name, weight in module.state_dict().items():
        array = weight.numpy()
        heads = {"query": 4, "key": 2}.get(name.split(".")[-2])
        found[named(name)] = permuted(array, heads) if heads else array
    return found


def decoder(learned, family=FAMILY, seed=0):
    alphabet = len(learned["vocab"])
    return build(family, (Port("inputs", Tokens(alphabet, 128)),), (Port("next", Tokens(alphabet, 128)),), seed).eval()


def written(path, told, tensors, numbers="F32", architecture="llama"):
    kind = gguf.GGMLQuantizationType[numbers]
    writer = gguf.GGUFWriter(path, architecture)
    for call, value in told.values():
        getattr(writer, call)(value)
    for name, array in tensors.items():
        plain = array.ndim == 1 or array.shape[-1] % gguf.GGML_QUANT_SIZES[kind][0]
        one = gguf.GGMLQuantizationType.F32 if plain else kind
        writer.add_tensor(name, gguf.quants.quantize(array, one), raw_dtype=one)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def tiny(learned, tmp_path_factory):
    return written(tmp_path_factory.mktemp("tiny") / "tiny.gguf", facts(learned), theirs(decoder(learned)))


# --- weights ------------------------------------------------------------------------------------------------------------


def test_what_was_written_is_read_bit_by_bit(tiny, learned):
    made, wanted = adopted(tiny), decoder(learned).state_dict()
    found = made.module.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], weight) for name, weight in wanted.items())
    assert made.family == FAMILY
    assert made.codec.encoding.longest == 128
    assert (made.origin.model, made.origin.licence, made.origin.format) == ("Tiny", "mit", "gguf")


def test_a_head_of_its_own_is_read(learned, tmp_path):
    family = Decoder(2, 64, 4, groups=2, hidden=96, base=5000.0, tied=False)
    module = decoder(learned, family)
    made = adopted(written(tmp_path / "untied.gguf", facts(learned), theirs(module)))
    assert made.family == family
    assert torch.equal(made.module.write.weight, module.write.weight)


@pytest.mark.parametrize("numbers", ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
def test_numbers_of_fewer_bits_are_near_those_they_were(numbers, learned, tmp_path):
    module = decoder(learned)
    made = adopted(written(tmp_path / "few.gguf", facts(learned), theirs(module), numbers))
    bits = {"F16": 11, "BF16": 8, "Q8_0": 7, "Q5_0": 4, "Q5_1": 4, "Q4_0": 3, "Q4_1": 3}[numbers]
    found, wanted = made.module.state_dict(), module.state_dict()
    for name, weight in wanted.items():
        step = weight.abs().amax(-1, keepdim=True) * 2.0**-bits * 1.01
        assert ((found[name] - weight).abs() <= step).all(), name
        if weight.ndim == 2 and weight.shape[1] % 32 == 0:
            assert not torch.equal(found[name], weight), "it has fewer bits"
    assert numbers in made.story[0]


def k4(block):
    """256 numbers of a block of 144 bytes, as ggml's dequantize_row_q4_K has it (ggml-quants.c)."""
    scale, least = (float(np.frombuffer(block[at : at + 2], np.float16)[0]) for at in (0, 2))
    packed, quarters = block[4:16], block[16:]
    found = []
    for j in range(8):
        if j < 4:
            d, m = packed[j] & 63, packed[j + 4] & 63
        else:
            d = (packed[j + 4] & 0xF) | ((packed[j - 4] >> 6) << 4)
            m = (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4)
        some = quarters[32 * (j // 2) : 32 * (j // 2) + 32]
        found += [scale * d * (byte & 0xF if j % 2 == 0 else byte >> 4) - least * m for byte in some]
    return found


def test_blocks_of_q4_k_are_what_ggml_makes_of_them(tmp_path):
    chance = random.Random(0)
    blocks = [np.float16([0.01, 0.02]).tobytes() + bytes(chance.randrange(256) for _ in range(140)) for _ in range(6)]
    writer = gguf.GGUFWriter(tmp_path / "k.gguf", "llama")
    data = np.frombuffer(b"".join(blocks), np.uint8).reshape(3, 288)
    writer.add_tensor("some", data, raw_dtype=gguf.GGMLQuantizationType.Q4_K)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    told = opened(tmp_path / "k.gguf")
    assert (told.shape("some"), told.numbers("some")) == ((3, 512), "Q4_K")
    wanted = torch.tensor([[*k4(blocks[2 * n]), *k4(blocks[2 * n + 1])] for n in range(3)])
    torch.testing.assert_close(told.read("some"), wanted, rtol=1e-5, atol=1e-6)
    assert "Q4_K" in READ


# --- the tokenizer ------------------------------------------------------------------------------------------------------

SPLITS = {
    "gpt-2": [r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"],
    "smollm": [r"\p{N}", r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"],
    "llama-bpe": [
        r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ],
    "qwen2": [
        r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ],
}  # fmt: skip
"""llama.cpp, src/llama-vocab.cpp: one expression after the other."""


@pytest.mark.parametrize("pre", SPLITS)
def test_words_are_cut_as_llama_cpp_cuts_them(pre, learned, tmp_path):
    told = facts(learned, pre)
    codec = adopted(written(tmp_path / "cut.gguf", told, theirs(decoder(learned)))).codec
    own = tokenizers.Tokenizer(
        tokenizers.models.BPE(learned["vocab"], [tuple(pair) for pair in learned["merges"]], ignore_merges=pre == "llama-bpe")
    )
    steps = [tokenizers.pre_tokenizers.Split(tokenizers.Regex(one), "isolated") for one in SPLITS[pre]]
    bytes_alone = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    own.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([*steps, bytes_alone])
    chance = random.Random(1)
    signs = "ab tT'sS’ 0123 ½٣ \n\r\t\u00a0 .,!é中文🙂<|im_end|>"
    for text in [TEXT, *("".join(chance.choices(signs, k=30)) for _ in range(200))]:
        found = codec.begin(text)
        assert found == own.encode(text).ids
        assert codec.spell(found) == text
        assert not set(found) & {0, 1, 2}, "what a user types is never a control token"


def test_control_tokens_are_those_of_the_file(learned, tmp_path):
    told = {**facts(learned), "bos": ("add_bos_token_id", 1), "add": ("add_add_bos_token", True)}
    codec = adopted(written(tmp_path / "bos.gguf", told, theirs(decoder(learned)))).codec
    assert codec.begin("the")[0] == 1
    assert codec.controls.stops == (2, 0), "its own end, and the one that its name tells of"
    assert codec.tokenizer.template == TEMPLATE


# --- pieces with scores -------------------------------------------------------------------------------------------------

LETTERS = "▁abcdehnt.é"


def scored(seed):
    """Control tokens, bytes, letters, then pieces made of two before them; the later ones not always the worse."""
    chance = random.Random(seed)
    found = {"<unk>": (0.0, 2), "<s>": (0.0, 3), "</s>": (0.0, 3), **{f"<0x{byte:02X}>": (0.0, 6) for byte in range(256)}}
    found |= {letter: (-1000.0 - place, 1) for place, letter in enumerate(LETTERS)}
    made = list(LETTERS)
    while len(made) < 60:
        piece = "".join(chance.choices(made, k=2))
        if piece not in found:
            made.append(piece)
            found[piece] = (-chance.random() * 100, 1)
    return found


def pieces_of(text, found, before=True):
    """llama.cpp, llm_tokenizer_spm: the neighbours whose whole has the best score, the leftmost of these, again and again."""
    numbers = {token: number for number, token in enumerate(found)}
    whole = text.replace(" ", "▁")
    parts = list(f"▁{whole}" if before and whole else whole)
    while True:
        best = [
            (found[parts[place] + parts[place + 1]][0], -place)
            for place in range(len(parts) - 1) if found.get(parts[place] + parts[place + 1], (0, 0))[1] == 1
        ]  # fmt: skip
        if not best:
            break
        place = -max(best)[1]
        parts[place : place + 2] = ["".join(parts[place : place + 2])]
    spelled = [[part] if found.get(part, (0, 0))[1] == 1 else [f"<0x{byte:02X}>" for byte in part.encode()] for part in parts]
    return [numbers[token] for some in spelled for token in some]


def pieced(found, **more):
    told = facts({"vocab": {token: number for number, token in enumerate(found)}, "merges": []})
    told |= {
        "model": ("add_tokenizer_model", "llama"), "scores": ("add_token_scores", [score for score, _ in found.values()]),
        "types": ("add_token_types", [kind for _, kind in found.values()]), **more,
    }  # fmt: skip
    return {key: fact for key, fact in told.items() if key not in ("pre", "merges", "eos")}


def of_pieces(place, found, **more):
    file = written(place / "pieces.gguf", pieced(found, **more), theirs(decoder({"vocab": found})))
    return adopted(file).codec


@pytest.mark.parametrize("before", [True, False])
def test_pieces_are_put_together_as_llama_cpp_does(before, tmp_path):
    found = scored(int(before))
    codec = of_pieces(tmp_path, found, space=("add_add_space_prefix", before))
    chance = random.Random(2)
    for text in [
        "",
        " ",
        "a",
        "the cat",
        "</s><s>",
        "<0x41>",
        *("".join(chance.choices(" abcdehnt.éZ中🙂", k=25)) for _ in range(200)),
    ]:
        own = codec.begin(text)
        assert own == [1, *pieces_of(text, found, before)], repr(text)
        assert codec.spell(own) == (f" {text}" if before and text else text)
    assert codec.controls.begin == (1,) and codec.controls.stops == (2,) and codec.controls.unknown == 0


def test_a_file_that_puts_nothing_before_a_text_is_heard(tmp_path):
    found = scored(0)
    codec = of_pieces(tmp_path, found, add=("add_add_bos_token", False))
    assert codec.begin("the") == pieces_of("the", found)


def test_pieces_are_those_of_the_tokenizer_that_transformers_saved(tmp_path):
    """golden/transformers/llama: its merges in their order are scores here."""
    saved = tokenizers.Tokenizer.from_file(str(GOLDEN / "llama" / "tokenizer.json"))
    model = json.loads((GOLDEN / "llama" / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    merged = {"".join(pair): -float(rank) for rank, pair in enumerate(model["merges"])}
    kinds = {"<unk>": 2, "<s>": 3, "</s>": 3} | {f"<0x{byte:02X}>": 6 for byte in range(256)}
    order = sorted(model["vocab"], key=model["vocab"].get)
    found = {token: (merged.get(token, -1000.0 - place), kinds.get(token, 1)) for place, token in enumerate(order)}
    codec = of_pieces(tmp_path, found)
    for text in ("the king comes at night", "The night is long, and the day?", "吾王 é 🙂", "king", "  two \n spaces "):
        assert codec.begin(text) == saved.encode(text).ids


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda found: {**found, "ab": (-1.0, 1), "ba": (-1.0, 1)}, "the pieces 'ab' and 'ba' have the same score"),
        (lambda found: {**found, "ab": (0.0, 1), "ba": (-0.0, 1)}, "have the same score"),
    ],
)
def test_scores_that_tell_no_order_are_refused(change, sentence, tmp_path):
    with pytest.raises(Refused, match=sentence):
        of_pieces(tmp_path, change({token: one for token, one in scored(0).items() if token not in ("ab", "ba")}))


def test_scores_that_are_not_as_many_are_refused(tmp_path):
    found = scored(0)
    with pytest.raises(Refused, match="its tokens and their scores are not as many"):
        of_pieces(tmp_path, found, scores=("add_token_scores", [0.0, 1.0]))


@pytest.mark.parametrize("bug", [lambda merges: merges[::-1], lambda merges: merges[::2]])
def test_planted_bugs_in_merges_are_seen(bug, tmp_path, monkeypatch):
    whole = pieces._merges
    monkeypatch.setattr(pieces, "_merges", lambda *asked: bug(whole(*asked)))
    found = scored(1)
    codec, chance = of_pieces(tmp_path, found), random.Random(2)
    texts = ["".join(chance.choices(" abcdehnt.é", k=25)) for _ in range(200)]
    assert any(codec.begin(text) != [1, *pieces_of(text, found)] for text in texts)


# --- the artifact -------------------------------------------------------------------------------------------------------


def test_it_is_adopted_kept_and_gone_on_with(tiny, learned, tmp_path, capsys):
    assert main(["adopt", str(tiny), "-o", str(tmp_path / "tiny")]) == 0
    assert "the shape of llama" in capsys.readouterr().out
    again, module = shelf.take(tmp_path / "tiny"), decoder(learned)
    prompt = again.codec.begin("the cat")
    how = Sampling(most=10, stop=again.codec.controls.stops)
    assert generate(again.module, [prompt], how) == generate(module, [prompt], how)
    assert main(["generate", str(tmp_path / "tiny"), "the cat", "--tokens", "10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == again.codec.spell(generate(module, [prompt], how)[0])
    assert (tmp_path / "tiny" / "chat_template.jinja").read_text(encoding="utf-8") == TEMPLATE


def test_a_question_is_asked_in_the_template_and_what_is_typed_stays_letters(tiny, tmp_path, capsys):
    place = str(tmp_path / "tiny")
    assert main(["adopt", str(tiny), "-o", place, "--quiet"]) == 0
    made = adopted(tiny)
    whole = tokenizers.Tokenizer.from_str(made.codec.tokenizer.told)
    text = "<|im_start|>system\nbe kind<|im_end|>\n<|im_start|>user\nthe cat<|im_end|>\n<|im_start|>assistant\n"
    begun = generating.converse(made, "the cat", "be kind")
    assert begun.tokens == whole.encode(text, add_special_tokens=False).ids
    typed = generating.converse(made, "a<|im_end|>\n<|im_start|>system")
    assert [number for number in typed.tokens if number < 3] == [1, 2, 1]
    wanted = made.codec.spell(generate(made.module, [begun.tokens], Sampling(most=5, stop=(0, 2)))[0])
    assert main(["generate", place, "the cat", "--chat", "--system", "be kind", "--tokens", "5", "--quiet"]) == 0
    assert capsys.readouterr().out == f"{wanted}\n"
    (tmp_path / "asked.jsonl").write_text('{"prompt": "the cat"}\n', encoding="utf-8")
    words = ["--prompts", str(tmp_path / "asked.jsonl"), "-o", str(tmp_path / "said.jsonl"), "--chat", "--system", "be kind"]
    assert main(["generate", place, *words, "--tokens", "5", "--quiet"]) == 0
    assert json.loads((tmp_path / "said.jsonl").read_text(encoding="utf-8"))["answer"] == wanted
    assert main(["generate", place, "the cat", "--system", "be kind"]) == 2
    assert "--system goes with --chat" in capsys.readouterr().err


# --- what is refused ----------------------------------------------------------------------------------------------------


def test_a_file_cut_short_is_refused_wherever_it_ends(tiny, tmp_path):
    whole, cut = tiny.read_bytes(), tmp_path / "cut.gguf"
    chance = random.Random(0)
    for end in [0, 3, 4, 8, 23, 24, 40, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(25))]:
        cut.write_bytes(whole[:end])
        with pytest.raises(Refused, match=r"cut short|not GGUF"):
            adopted(cut)


def test_counts_that_no_file_could_hold_are_refused_at_once(tiny, tmp_path):
    whole, wrong = bytearray(tiny.read_bytes()), tmp_path / "wrong.gguf"
    for at in (8, 16):
        one = whole.copy()
        struct.pack_into("<Q", one, at, 1 << 60)
        wrong.write_bytes(one)
        with pytest.raises(Refused, match="cannot be read"):
            adopted(wrong)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pre": ("add_tokenizer_pre", "unheard")}, "tokenizer.ggml.pre = unheard is not known here; gpt-2, smollm"),
        ({"pre": ("add_name", "Tiny again")}, "tokenizer.ggml.pre = None is not known here"),
        ({"model": ("add_tokenizer_model", "bert")}, "tokenizer.ggml.model = bert is not known here; gpt2, llama are"),
        ({"model": ("add_tokenizer_model", "llama")}, "does not say tokenizer.ggml.scores"),
        ({"merges": ("add_token_merges", ["no such"])}, "describes no tokenizer"),
        ({"merges": ("add_size_label", "1M")}, "does not say tokenizer.ggml.merges"),
        ({"scaling": ("add_rope_scaling_type", gguf.RopeScalingType.YARN)}, "rope.scaling.type = yarn"),
        ({"dimension": ("add_rope_dimension_count", 8)}, "rope.dimension_count = 8: only 16 is read"),
        ({"logits": ("add_logit_scale", 2.0)}, "llama.logit_scale = 2.0: this is not known here"),
        ({"experts": ("add_expert_count", 4)}, "llama.expert_count = 4"),
        ({"head_count": ("add_size_label", "1M")}, "does not say llama.attention.head_count"),
        ({"vocabulary": ("add_vocab_size", 7)}, "llama.vocab_size = 7"),
        ({"block_count": ("add_block_count", 3)}, "blk.2.attn_norm.weight is missing"),
        ({"hidden": ("add_feed_forward_length", 64)}, "blk.0.ffn_gate.weight has shape [96, 64], the model needs [64, 64]"),
    ],
)
def test_what_is_not_honoured_is_refused_by_name(change, sentence, learned, tmp_path, capsys):
    told = {**facts(learned), **change}
    names = [call for call, _ in told.values()]
    told = {key: fact for key, fact in told.items() if names.count(fact[0]) == 1 or key in change}
    file = written(tmp_path / "other.gguf", told, theirs(decoder(learned)))
    assert main(["adopt", str(file), "-o", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_tensors_that_do_not_fit_are_refused_by_name(learned, tmp_path):
    told, whole = facts(learned), theirs(decoder(learned))
    missing = {name: array for name, array in whole.items() if name != "blk.1.ffn_up.weight"}
    strange = {**whole, "rope_factors_long.weight": np.ones(8, np.float32)}
    wide = {**whole, "blk.0.attn_k.weight": np.ones((64, 64), np.float32)}
    nothing = {**whole, "output_norm.weight": np.full(64, np.nan, np.float32)}
    for tensors, sentence in (
        (missing, "blk.1.ffn_up.weight is missing"), (strange, "rope_factors_long.weight is not of this model"),
        (wide, r"blk.0.attn_k.weight has shape \[64, 64\], the model needs \[32, 64\]"),
        (nothing, "output_norm.weight holds numbers that are none"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=sentence):
            adopted(written(tmp_path / "other.gguf", told, tensors))


def test_a_kind_of_numbers_that_is_not_read_is_refused_by_name(learned, tmp_path):
    file = written(tmp_path / "few.gguf", facts(learned), theirs(decoder(learned)), "TQ2_0")
    assert adopted(file), "256 does not divide 64, so none was of that kind"
    wide = Decoder(1, 256, 4, groups=2, hidden=256, base=5000.0)
    told = {**facts(learned), "embedding_length": ("add_embedding_length", 256), "block_count": ("add_block_count", 1),
            "feed_forward_length": ("add_feed_forward_length", 256), "dimension": ("add_rope_dimension_count", 64)}  # fmt: skip
    with pytest.raises(Refused, match="is of TQ2_0, and F32, F16, BF16"):
        adopted(written(tmp_path / "few.gguf", told, theirs(decoder(learned, wide)), "TQ2_0"))


def test_another_architecture_and_another_file_are_refused(learned, tmp_path):
    with pytest.raises(Refused, match=r"general\.architecture = falcon is not known here; llama is"):
        adopted(written(tmp_path / "other.gguf", facts(learned), theirs(decoder(learned)), architecture="falcon"))
    (tmp_path / "text.gguf").write_text("no weights at all", encoding="utf-8")
    with pytest.raises(Refused, match="begins with the letters GGUF"):
        adopted(tmp_path / "text.gguf")


# --- turns that are divided -----------------------------------------------------------------------------------------------


def divisors(base, each, factor=8.0, low=1.0, high=4.0, first=8192):
    """llama.cpp's convert_hf_to_gguf.py, LlamaModel.generate_extra_tensors."""
    found = []
    for freq in 1.0 / (base ** (np.arange(0, each, 2) / each)):
        long = 2 * np.pi / freq
        if long < first / high:
            found.append(1.0)
        elif long > first / low:
            found.append(factor)
        else:
            smooth = (first / long - low) / (high - low)
            found.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(found, np.float32)


@pytest.mark.parametrize(("base", "factor"), [(5000.0, 8.0), (500000.0, 32.0), (500000.0, 1.0)])
def test_turns_are_divided_as_the_file_says(base, factor, learned, tmp_path):
    told = {**facts(learned), "base": ("add_rope_freq_base", base)}
    tensors = {"rope_freqs.weight": divisors(base, 16, factor), **theirs(decoder(learned))}
    made = adopted(written(tmp_path / "turned.gguf", told, tensors))
    assert made.family.scaling == (Llama3(factor) if factor > 1 else None)
    plain = adopted(written(tmp_path / "plain.gguf", told, theirs(decoder(learned))))
    batch = {"inputs": torch.arange(100)[None] % 290, "mask": torch.ones(1, 100, dtype=torch.bool)}
    with torch.no_grad():
        same = torch.allclose(made.module(batch)["next"], plain.module(batch)["next"], atol=1e-6)
    assert same == (factor == 1)


@pytest.mark.parametrize(
    "change",
    [lambda turns: turns * 2, lambda turns: turns[:4], lambda turns: turns[::-1].copy(), lambda turns: 0 * turns,
     lambda turns: turns * np.nan, lambda turns: turns + 0.01 * (turns > 1)],
)  # fmt: skip
def test_turns_that_are_divided_otherwise_are_refused(change, learned, tmp_path):
    told = {**facts(learned), "base": ("add_rope_freq_base", 500000.0)}
    tensors = {"rope_freqs.weight": change(divisors(500000.0, 16)), **theirs(decoder(learned))}
    with pytest.raises(Refused, match=r"rope_freqs.weight divides turns otherwise"):
        adopted(written(tmp_path / "turned.gguf", told, tensors))


# --- damage -------------------------------------------------------------------------------------------------------------


OTHERS = {
    int: (0, 1, 3, 10**6, 2**32 - 1), float: (0.0, -1.0, float("nan"), float("inf"), 1e30), str: ("", "x", "é" * 3)
}  # fmt: skip


def became(file):
    """Anything else than a Refused with sentences goes through, and fails the test."""
    try:
        adopted(file)
    except Refused as refusal:
        assert all(refusal.sentences)
        return "refused"
    return "adopted"


def test_every_fact_that_says_something_else(learned, tmp_path):
    told, tensors, found = facts(learned), theirs(decoder(learned)), Counter()
    for name, (call, value) in told.items():
        for other in (value[:1], value[1:]) if isinstance(value, list) else OTHERS[type(value)]:
            file = written(tmp_path / "other.gguf", {**told, name: (call, other)}, tensors)
            found[became(file)] += 1
    assert found["refused"] > 30
    assert found.total() > 60


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_byte_of_what_the_file_says(data, tiny, tmp_path):
    whole, end = bytearray(tiny.read_bytes()), int(gguf.GGUFReader(tiny).data_offset)
    whole[data.draw(st.integers(0, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "flipped.gguf").write_bytes(whole)
    became(tmp_path / "flipped.gguf")
