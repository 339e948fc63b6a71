"""A tokenizer that others learned: its numbers, its control tokens, what a user can and cannot spell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tokenizers

from modelwright.data.codecs.documents import Documents, Foreign
from modelwright.data.codecs.tokens import foreign
from modelwright.nouns import Refused, Rows

WORDS = ["night", "day", "the", "king", "comes", "goes", "吾王", "não", "🙂"]


def byte_pairs() -> tokenizers.Tokenizer:
    """As GPT-2's: every byte a letter, one control token."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=280, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"], show_progress=False
    )
    made.train_from_iterator([" ".join(WORDS)] * 9, trainer)
    return made


def sentence_pieces() -> tokenizers.Tokenizer:
    """As Llama's first: spaces are signs, what is unknown falls back to bytes."""
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"<0x{byte:02X}>": 3 + byte for byte in range(256)}}
    for piece in ("▁", "t", "h", "e", "▁t", "he", "▁the"):
        vocabulary[piece] = len(vocabulary)
    merges = [("▁", "t"), ("h", "e"), ("▁t", "he")]
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    made.normalizer = tokenizers.normalizers.Sequence(
        [tokenizers.normalizers.Prepend("▁"), tokenizers.normalizers.Replace(" ", "▁")]
    )
    decoders = tokenizers.decoders
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.post_processor = tokenizers.processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 1)])
    return made


def word_pieces() -> tokenizers.Tokenizer:
    """As BERT's."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "king", "##s", "[", "]", "sep", "."]
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    made.add_special_tokens(words[:4])
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    made.decoder = tokenizers.decoders.WordPiece()
    return made


def kept(folder: Path, made: tokenizers.Tokenizer, **config: object) -> Path:
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def rows(*texts: str) -> Rows:
    return Rows(np.arange(len(texts)), pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}))


def test_numbers_stay_those_of_the_makers(tmp_path):
    made = byte_pairs()
    read = foreign.read(kept(tmp_path, made, eos_token="<|endoftext|>"))
    texts = ["the king comes", "吾王 🙂", ""]
    found = read.numbers(pl.Series(texts))
    assert [numbers.tolist() for numbers in found] == [made.encode(text).ids for text in texts]
    assert read.alphabet == made.get_vocab_size()
    end = made.token_to_id("<|endoftext|>")
    assert (read.controls.begin, read.controls.end, read.controls.stops) == ((), (end,), (end,))


@pytest.mark.parametrize("made", [byte_pairs, sentence_pieces])
def test_what_was_spelled_is_spelled_back(made, tmp_path):
    read = foreign.read(kept(tmp_path, made(), eos_token="</s>" if made is sentence_pieces else "<|endoftext|>"))
    for text in ("the king comes", "吾王 \n🙂", " two  spaces "):
        (numbers,) = read.numbers(pl.Series([text]))
        said = b"".join(read.pieces[number] for number in numbers).decode()
        assert said == (" " if made is sentence_pieces else "") + text


@pytest.mark.parametrize("made", [byte_pairs, sentence_pieces, word_pieces])
def test_no_text_spells_a_control_token(made, tmp_path):
    names = ["<|endoftext|>", "<s>", "</s>", "[CLS]", "[SEP]", "[PAD]"]
    tokenizer = made()
    read = foreign.read(kept(tmp_path, tokenizer))
    special = {token.content: number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    typed = [f"the {name} king{name}" for name in names if name in special]
    assert typed
    assert any(set(tokenizer.encode(text, add_special_tokens=False).ids) & set(special.values()) for text in typed), "else idle"
    for numbers in read.numbers(pl.Series(typed)):
        spelled = set(numbers.tolist()) - {read.controls.unknown}
        assert not spelled & (set(special.values()) - {special.get("[UNK]"), special.get("<unk>")})


def test_what_stands_around_a_text_is_what_the_tokenizer_puts_there(tmp_path):
    read = foreign.read(kept(tmp_path, word_pieces(), pad_token="[PAD]", unk_token="[UNK]", sep_token="[SEP]"))
    controls = read.controls
    assert (controls.begin, controls.end, controls.stops, controls.padding, controls.unknown) == ((2,), (3,), (3,), 0, 1)
    assert read.pieces[:7] == (b"", b"", b"", b"", b" the", b" king", b"s")
    llama = foreign.read(kept(tmp_path, sentence_pieces(), eos_token={"content": "</s>"}, pad_token="</s>"))
    assert (llama.controls.begin, llama.controls.end, llama.controls.padding) == ((1,), (2,), None), "padding that ends is none"


def test_cutting_and_padding_of_their_own_do_nothing(tmp_path):
    made = word_pieces()
    made.enable_truncation(3)
    made.enable_padding(length=8)
    read = foreign.read(kept(tmp_path, made))
    assert read.numbers(pl.Series(["the kings the kings"]))[0].tolist() == [4, 5, 6, 4, 5, 6]


def test_a_state_comes_back(tmp_path):
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    read = foreign.fitted(foreign.read(kept(tmp_path, byte_pairs(), eos_token="<|endoftext|>")), 300, [7])
    assert foreign.load(read.files()) == read
    assert read.template == "{{ messages }}"
    assert read.controls.stops == (0, 7)
    assert read.controls.never == tuple(range(280, 300)), "a number without a token is not said"
    assert len(read.pieces) == 300


def test_documents_are_learned_with_it(tmp_path):
    made = byte_pairs()
    kept(tmp_path, made, eos_token="<|endoftext|>")
    codec = Documents(longest=4, tokenizer=Foreign(tmp_path / "tokenizer.json")).fit(lambda: iter([rows("the king")]))
    assert codec.encoding.tokenizer == Foreign(Path("tokenizer.json")), "an artifact does not tell where it lay"
    batch, _ = codec.encode(rows("the king goes"))
    own = made.encode("the king goes").ids
    assert batch["inputs"][batch["mask"]].tolist() == [0, *own]
    assert batch["next"][batch["mask"]].tolist() == [*own, 0]
    assert int(batch["bytes"].sum()) == len("the king goes")
    assert codec.begin("the") == made.encode("the").ids
    assert codec.begin("") == [0], "something must stand there to go on from"
    assert codec.spell(codec.begin("the king")) == "the king"


def test_a_tokenizer_without_an_end_cannot_learn_documents(tmp_path):
    with pytest.raises(Refused, match="no token for the end of a text"):
        Documents(tokenizer=Foreign(kept(tmp_path, byte_pairs()))).fit(lambda: iter([rows("the king")]))


def test_what_is_no_tokenizer_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"has no tokenizer\.json"):
        foreign.read(tmp_path)
    for text in ("{}", "[1]", '{"model": {"type": "BPE"}}', '{"version": "1.0", "model": {"vocab": {}}}'):
        (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
        with pytest.raises(Refused, match="describes no tokenizer"):
            foreign.read(tmp_path)
    with pytest.raises(Refused, match="is not valid JSON"):
        (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
        foreign.read(tmp_path)


def test_more_tokens_than_rows_are_refused(tmp_path):
    with pytest.raises(Refused, match="does not fit the weights: it numbers 280 tokens, and the embedding has 279"):
        foreign.fitted(foreign.read(kept(tmp_path, byte_pairs())), 279)
