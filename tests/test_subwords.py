"""Tokenizers of pieces of words, learned here: the same rows give the same one, no text spells a control token, and a text
decoded back differs in what was ordered to be folded alone. And the codec that reads labelled texts through any tokenizer."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import unicodedata

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.data.codecs import Texts
from modelwright.data.codecs.documents import BPE, Character
from modelwright.data.codecs.tokens import tokenizing, wordpieces
from modelwright.data.codecs.tokens.subwords import Folding, WordPiece
from modelwright.data.overlong import late_finding, overlong_read
from modelwright.nouns import Refused, Rows

SIGNS = "aeimnorst éüñ 中国人民文字 .,!?[]#'-<>/ MASKCLP ﬁＡ"
AS_IS = Folding()


def sentences(count: int) -> list[str]:
    dice = random.Random(0)
    words = ["the", "king", "kings", "kingdom", "walks", "walking", "naïve", "café", "中国", "人民", "文字", "[", "mask", "#"]
    return [" ".join(dice.choices(words, k=9)) + "." for _ in range(count)]


def learned(kind, texts):
    return tokenizing.fit(kind, lambda: iter([pl.Series(texts[: len(texts) // 2]), pl.Series(texts[len(texts) // 2 :])]))


def spelled(tokenizer, text: str) -> list[str]:
    return [tokenizer.library.id_to_token(int(number)) for number in tokenizer.numbers(pl.Series([text]))[0]]


def test_the_same_rows_give_the_same_tokenizer_in_another_process():
    """Left alone, the library gives another one at each call: its hash tables are seeded anew."""
    made = {learned(WordPiece(90), sentences(300)).told for _ in range(4)}
    program = (
        "import sys, json, polars as pl; from modelwright.data.codecs.tokens import wordpieces, subwords\n"
        "texts = pl.Series(json.loads(sys.stdin.buffer.read()))\n"
        "sys.stdout.write(wordpieces.fit(subwords.WordPiece(90), lambda: iter([texts])).told)"
    )
    there = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(sentences(300)).encode(), capture_output=True, check=True
    )
    assert made == {there.stdout.decode()}


def test_pieces_are_berts():
    """What goes on with a word has its mark, punctuation and Chinese characters stand alone, capitals are folded."""
    found = learned(WordPiece(200), sentences(300))
    assert spelled(found, "Kings WALKING, 中国人民") == ["kings", "walking", "[UNK]", "中", "国", "人", "民"]
    assert spelled(found, "walkings") == ["walking", "##s"]
    assert spelled(found, "kingw") == ["[UNK]"], "no training row goes on with a w"
    assert len(found.pieces) == found.alphabet <= 200
    assert found.controls.before == (2,) and found.library.token_to_id("[MASK]") == found.controls.mask


def test_half_the_vocabulary_is_characters_at_most():
    texts = ["".join(chr(0x4E00 + place) for place in range(start, start + 50)) for start in range(0, 500, 50)]
    found = learned(WordPiece(64), [*texts, "丁丁丁 七七"])
    assert found.alphabet == 5 + (64 - 5) // 2
    assert found.controls.unknown not in found.numbers(pl.Series(["丁七"]))[0], "the most frequent ones are known"


def test_the_vocabulary_is_no_larger_than_ordered():
    for size in (32, 64, 90, 150):
        assert learned(WordPiece(size), sentences(100)).alphabet <= size


@settings(max_examples=60, deadline=None)
@given(text=st.lists(st.sampled_from([*SIGNS, "[MASK]", "[CLS]", "[SEP]", "[PAD]", "##"]), max_size=40).map("".join))
def test_no_text_is_a_control_token_and_decoding_undoes_all_but_the_folding(text):
    for folding in (AS_IS, Folding("nfkc", lowercase=True, accents=False)):
        found = known(folding)
        (numbers,) = found.numbers(pl.Series([text]))
        controls = {0, 2, 3, 4}
        assert not controls & set(numbers.tolist())
        if found.controls.unknown not in numbers:
            said = b"".join(found.pieces[number] for number in numbers).decode()
            assert "".join(said.split()) == "".join(folded(text, folding).split())


TOKENIZERS = {}


def known(folding: Folding):
    """Of all these signs, each in every case."""
    if folding not in TOKENIZERS:
        texts = [*sentences(50), " ".join([*SIGNS, *SIGNS.lower(), *SIGNS.upper(), SIGNS.replace(" ", "")]), SIGNS * 3]
        TOKENIZERS[folding] = learned(WordPiece(400, folding), texts)
    return TOKENIZERS[folding]


def folded(text: str, folding: Folding) -> str:
    """By Python's own tables."""
    if folding.form != "as_is":
        text = unicodedata.normalize(folding.form.upper(), text)
    if folding.lowercase:
        text = text.lower()
    if not folding.accents:
        text = "".join(sign for sign in unicodedata.normalize("NFD", text) if unicodedata.category(sign) != "Mn")
        text = unicodedata.normalize("NFC", text)
    return text


def test_folding_is_what_its_values_say():
    text = "Ａ ﬁ É e\u0301"
    cases = {
        Folding(): text,
        Folding("nfc"): "Ａ ﬁ É é",
        Folding("nfkc"): "A fi É é",
        Folding(lowercase=True): "ａ ﬁ é e\u0301",
        Folding("nfkc", lowercase=True, accents=False): "a fi e e",
    }
    for folding, told in cases.items():
        assert wordpieces.normalizer(folding).normalize_str(text) == told


def test_a_tokenizer_of_no_character_is_refused():
    with pytest.raises(Refused, match="no character"):
        learned(WordPiece(64), ["", " \n"])


# --- the codec ------------------------------------------------------------------------------------------------------------


def rows_of(texts) -> Rows:
    labels = [("no", "yes")[place % 2] for place in range(len(texts))]
    return Rows(np.arange(len(texts)) + 7, pl.DataFrame({"text": pl.Series(texts, dtype=pl.String), "label": labels}))


def fitted(tokenizer, texts, longest=256):
    rows = rows_of(texts)
    return Texts("label", longest=longest, tokenizer=tokenizer).fit(lambda: iter([rows])), rows


@pytest.mark.parametrize("tokenizer", [Character(), BPE(270), WordPiece(90)])
def test_a_text_is_read_with_what_stands_around_it_and_its_end_is_cut(tokenizer):
    texts = [*sentences(40), *("king " * count for count in range(12)), *("kingdoms"[:count] for count in range(9)), None]
    codec, rows = fitted(tokenizer, texts, longest=9)
    batch, faults = codec.encode(rows)
    assert faults.is_empty() and batch["row"].tolist() == rows.ids.tolist()
    controls = codec.tokenizer.controls
    whole = codec.tokenizer.numbers(pl.Series(texts, dtype=pl.String).fill_null(""))
    for numbers, own, mask in zip(batch["inputs"], whole, batch["mask"]):
        assert numbers[mask].tolist() == [*controls.begin, *own.tolist()[:7], *controls.end]
        assert (numbers[~mask] == controls.padding).all()
    assert batch["inputs"].shape[1] == 9
    assert any(len(own) == 7 for own in whole), "one that just fits"
    assert overlong_read(rows, codec).tolist() == [len(own) > 7 for own in whole]
    found = late_finding(rows, codec)
    assert found is not None and found.count == sum(len(own) > 7 for own in whole) and "9 tokens" in found.sentence


def test_a_window_that_holds_no_text_is_no_error():
    codec, rows = fitted(WordPiece(90), sentences(4), longest=1)
    batch, _ = codec.encode(rows)
    assert batch["inputs"].tolist() == [[2]] * 4 and batch["mask"].all()


def test_it_comes_back_from_disk():
    codec, rows = fitted(WordPiece(90), sentences(20))
    state = codec.state()
    again = codec.encoding.load(state)
    assert again.tokenizer.controls == codec.tokenizer.controls
    assert (again.encode(rows)[0]["inputs"] == codec.encode(rows)[0]["inputs"]).all()
