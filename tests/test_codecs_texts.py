"""Texts: which words there are, how they are numbered, what is cut, and that all of Unicode survives the vocabulary's file."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.data.codecs import Characters, Words
from modelwright.data.codecs.words.texts import VOCABULARY, escaped, plain, tokens
from modelwright.nouns import Rows, Tokens


def rows_of(texts, label=None):
    labels = label or ["no", "yes"] * len(texts)
    return Rows(np.arange(len(texts)), pl.DataFrame({"text": pl.Series(texts, dtype=pl.String), "label": labels[: len(texts)]}))


def fitted(encoding, texts):
    rows = rows_of(texts)
    return encoding.fit(lambda: iter([rows]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The film, it's GOOD!", ["the", "film", "it's", "good"]),
        ("don’t 'quote' rock'n'roll", ["don’t", "quote", "rock'n'roll"]),
        ("不错的电影2024年", ["不", "错", "的", "电", "影", "2024", "年"]),
        ("カタカナと ひらがな", [*"カタカナと", *"ひらがな"]),
        ("한국어 good", ["한", "국", "어", "good"]),
        ("ＦＩＬＭ ｶﾀ", ["film", "カ", "タ"]),
        ("naïve Übermut привет हिन्दी", ["naïve", "übermut", "привет", "हिन्दी"]),
        ("a_b 3.5 <br />", ["a_b", "3", "5", "br"]),
        ("  ...  ", []),
    ],
)
def test_words(text, words):
    assert tokens(Words(label="label"), pl.Series([text])).to_list() == [words]


def test_characters_are_kept_as_they_are():
    found = tokens(Characters(label="label"), pl.Series(["Aa\n \U0001f600\u5b57"])).to_list()
    assert found == [["A", "a", "\n", " ", "\U0001f600", "\u5b57"]]


def test_numbers_go_by_count_then_by_alphabet():
    codec = fitted(Words(label="label", vocabulary=3), ["b a", "a c b", "d b"])
    assert codec.vocabulary.to_list() == ["b", "a", "c"]
    assert codec.reads[0].kind == Tokens(alphabet=5, longest=200)
    batch, faults = codec.encode(rows_of(["a b c d", "", "b", None, "new"]))
    assert batch["inputs"].tolist() == [[3, 2, 4, 1], [1, 0, 0, 0], [2, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    assert batch["mask"].sum(1).tolist() == [4, 1, 1, 1, 1] and not len(faults)


def test_only_the_first_words_are_read_and_learned():
    codec = fitted(Words(label="label", longest=2), ["a b c c c", "a b d"])
    assert codec.vocabulary.to_list() == ["a", "b"]
    batch, _ = codec.encode(rows_of(["a b a b", "b a"]))
    assert batch["inputs"].tolist() == [[2, 3], [3, 2]]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=6))
def test_a_word_survives_its_line(word):
    line = escaped(word)
    assert "\n" not in line and plain(line) == word


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(max_size=20), min_size=2, max_size=8), kind=st.sampled_from([Words, Characters]))
def test_any_text_survives_the_vocabulary(texts, kind):
    encoding = kind(label="label", longest=12)
    codec = fitted(encoding, texts)
    state = codec.state()
    again = encoding.load(state)
    assert again.vocabulary.to_list() == codec.vocabulary.to_list()
    assert len(state.texts[VOCABULARY].split("\n")) == len(codec.vocabulary) + 1
    batch, _ = codec.encode(rows_of(texts))
    alphabet = codec.reads[0].kind.alphabet
    assert int(batch["inputs"].max()) < alphabet and (batch["mask"].sum(1) >= 1).all()
    assert (batch["inputs"][~batch["mask"]] == 0).all() and (batch["inputs"][batch["mask"]] > 0).all()
    assert batch["inputs"].equal(again.encode(rows_of(texts))[0]["inputs"])


def test_a_text_of_another_type_is_read_as_text():
    codec = fitted(Words(label="label"), ["1 2", "2"])
    rows = Rows(np.arange(2), pl.DataFrame({"text": [2, 1]}))
    assert codec.encode(rows)[0]["inputs"].tolist() == [[2], [3]]
