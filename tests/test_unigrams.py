"""Unigram, learned here: the same rows give the same one, no text is unknown or a control token, and every text comes back."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from itertools import product

import numpy as np
import polars as pl
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.data.codecs.documents import Documents
from modelwright.data.codecs.documents.masking import Masking
from modelwright.data.codecs.tokens import foreign, unigrams, wordpieces
from modelwright.data.codecs.tokens.foreign import Adopted
from modelwright.data.codecs.tokens.subwords import Folding, Unigram
from modelwright.data.codecs.tokens.tokenizing import load
from modelwright.nouns import Rows

NAMES = ("<pad>", "<unk>", "<s>", "</s>", "<mask>")


def sentences(count: int) -> list[str]:
    dice = random.Random(0)
    words = ["the", "king", "kings", "kingdom", "walks", "walking", "naïve", "café", "中国人民", "文字", "[mask]", "</s>"]
    return [" ".join(dice.choices(words, k=9)) + ".\n" for _ in range(count)]


def learned(texts, size=330, folding=Folding()):  # noqa: B008
    return unigrams.fit(Unigram(size, folding), lambda: iter([pl.Series(texts)]))


@pytest.fixture(scope="module")
def known():
    return learned(sentences(200))


def pieces(tokenizer, text: str) -> list[bytes]:
    return [tokenizer.pieces[number] for number in tokenizer.numbers(pl.Series([text]))[0]]


def test_the_same_rows_give_the_same_tokenizer_in_another_process(known):
    program = (
        "import sys, json, polars as pl; from modelwright.data.codecs.tokens import unigrams, subwords\n"
        "texts = pl.Series(json.loads(sys.stdin.buffer.read()))\n"
        "sys.stdout.write(unigrams.fit(subwords.Unigram(330), lambda: iter([texts[:50], texts[50:]])).told)"
    )
    text = json.dumps(sentences(200)).encode()
    there = subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, check=True)
    assert there.stdout.decode() == known.told == learned(sentences(200)).told


def test_the_vocabulary_is_as_large_as_ordered_and_what_comes_often_is_a_piece(known):
    assert known.alphabet == len(known.pieces) == 330
    assert {bytes([byte]) for byte in range(256)} <= set(known.pieces), "no text is unknown"
    for word in (" king", " walks", "中国人民"):
        assert word.encode() in known.pieces
    assert len(pieces(known, " king walks")) == 2


@settings(max_examples=80, deadline=None)
@given(text=st.one_of(st.text(max_size=30), st.lists(st.sampled_from([*NAMES, " ", "a"]), max_size=9).map("".join)))
def test_every_text_comes_back_and_none_is_a_control_token(known, text):
    (numbers,) = known.numbers(pl.Series([text], dtype=pl.String))
    assert not set(numbers.tolist()) & set(range(len(NAMES)))
    assert b"".join(known.pieces[number] for number in numbers).decode() == text


def test_a_folded_text_comes_back_folded():
    folding = Folding("nfkc", lowercase=True, accents=False)
    found = learned(sentences(60), 300, folding)
    text, plain = "The Ｋing's Café, ﬁne\t中国", "the king's cafe, fine\t中国"
    assert b"".join(pieces(found, text)).decode() == wordpieces.normalizer(folding).normalize_str(text) == plain


def test_it_comes_back_from_disk(known):
    again = load(Unigram(330), known.files())
    text = pl.Series(["the </s> king 中国", ""])
    assert [one.tolist() for one in again.numbers(text)] == [one.tolist() for one in known.numbers(text)]
    assert again.controls == known.controls and again.pieces == known.pieces


def test_others_read_the_file_with_the_same_numbers(known):
    theirs = tokenizers.Tokenizer.from_str(known.told)
    text = "the kingdom walks 中国"
    assert theirs.encode(text).ids == [2, *known.numbers(pl.Series([text]))[0].tolist(), 3]
    assert theirs.decode(theirs.encode(text).ids) == text


def test_estimation_is_that_of_all_ways_to_cut_a_word():
    """Against every way to cut, one by one."""
    chance = np.random.default_rng(0)
    some = sorted({"".join(signs) for length in (1, 2, 3) for signs in product("ab", repeat=length)})[:11]
    names = list(dict.fromkeys([*some, "b"]))
    counts = {"abab": 3, "baa": 2, "a": 5, "bbbbb": 1}
    often = chance.random(len(names)) * 9
    found = unigrams._expected(unigrams._words(counts, names), unigrams._weights(names, often))
    chances = dict(zip(names, unigrams._chances(often)))
    wanted = Counter()
    for word, count in counts.items():
        ways = [way for way in cuts(word) if all(piece in chances for piece in way)]
        shares = [float(np.prod([chances[piece] for piece in way])) for way in ways]
        for way, share in zip(ways, shares):
            for piece in way:
                wanted[piece] += count * share / sum(shares)
    assert found == pytest.approx([wanted[name] for name in names])


def cuts(word: str):
    if not word:
        yield ()
    for stop in range(1, len(word) + 1):
        for rest in cuts(word[stop:]):
            yield (word[:stop], *rest)


def test_what_nothing_else_can_say_as_well_stays():
    """abc stands often and its parts never alone; ab and bc are needed only inside it."""
    names, often = ["a", "b", "c", "ab", "bc", "abc"], np.array([1.0, 1.0, 1.0, 2.0, 1.0, 90.0])
    assert [names[place] for place in unigrams._needed(names, often, 4)] == ["a", "b", "c", "abc"]


def test_it_hides_tokens(known):
    rows = Rows(np.arange(3), pl.DataFrame({"text": sentences(3)}))
    codec = Documents(tokenizer=Unigram(300), masking=Masking(masked=1.0, exchanged=0.0)).fit(lambda: iter([rows]))
    batch, _ = codec.encode(rows)
    assert (batch["inputs"][batch["bears"]] == 4).all() and batch["bears"].any()


def test_a_unigram_of_others_takes_no_control_token_from_a_text():
    """The library does, though it is told to read such names as text."""
    signs = [(sign, -3.0) for sign in "▁ab</s>ex_tr0id"]
    made = tokenizers.Tokenizer(tokenizers.models.Unigram([("<unk>", 0.0), ("</s>", 0.0), *dict(signs).items()], 0))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    made.decoder = tokenizers.decoders.Metaspace()
    made.add_special_tokens(["<unk>", "</s>", "<extra_id_0>"])
    found = Adopted(made.to_str(), foreign.Controls((), (1,), (1,), unknown=0), made.get_vocab_size())
    (numbers,) = found.numbers(pl.Series(["ab</s> <extra_id_0>"]))
    assert "".join(found.pieces[number].decode() for number in numbers).strip() == "ab</s> <extra_id_0>"
    assert not {0, 1, made.token_to_id("<extra_id_0>")} & set(numbers.tolist())
