"""Rows without a label: texts found, parted, judged, cut into passages, fed; tokenizers and back."""

from __future__ import annotations

import json
import random
import sys
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright import data
from modelwright.data.codecs.documents import BPE, Character, Documents
from modelwright.data.codecs.documents.passages import Passages
from modelwright.data.codecs.tokens.tokenizing import END, FIRST, PADDING, UNKNOWN
from modelwright.data.sources import Text
from modelwright.data.splits import Given, Hashed, Stratified
from modelwright.nouns import Refused, Rows, State

UNICODE = st.characters(codec="utf-8")
TOKENIZERS = [Character(), BPE(300)]


def rows(*texts: str | None, start: int = 0) -> Rows:
    frame = pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)})
    return Rows(np.arange(start, start + len(texts), dtype=np.int64), frame)


def fitted(encoding: Documents, *texts: str) -> Passages:
    return encoding.fit(lambda: iter([rows(*texts)]))


def sentences(n: int, seed: int = 0) -> list[str]:
    dice = random.Random(seed)
    words = ["night", "day", "the", "king", "comes", "goes", "吾王", "não", "🙂", "\n"]
    return [" ".join(dice.choices(words, k=dice.randrange(1, 60))) for _ in range(n)]


# --- passages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@given(st.lists(st.text(UNICODE, min_size=1).filter(str.strip), min_size=1, max_size=5), st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_every_token_is_read_once_and_foretold_once(tokenizer, texts, longest):
    codec = fitted(Documents(longest=longest, tokenizer=tokenizer), *texts)
    batch, faults = codec.encode(rows(*texts, start=7))
    assert faults.is_empty()
    for place, text in enumerate(texts):
        mine = batch["row"] == 7 + place
        mask, own = batch["mask"][mine], codec.begin(text)
        assert batch["inputs"][mine][mask].tolist() == own, "read: the end of what came before, and all of the text"
        assert batch["next"][mine][mask].tolist() == [*own[1:], END]
        assert len(mask) == -(-len(own) // longest)
        assert batch["place"][mine].tolist() == list(range(0, len(own), longest))
        assert mask[:-1].all(), "only the last passage is short"
        assert int(batch["bytes"][mine].sum()) == len(text.encode())
    assert (batch["inputs"][~batch["mask"]] == PADDING).all()
    assert torch.equal(batch["bears"], batch["mask"]), "nothing is unknown that was learned from"


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@given(st.text(UNICODE, min_size=1))
@settings(max_examples=40, deadline=None)
def test_what_was_spelled_is_spelled_back(tokenizer, text):
    codec = fitted(Documents(tokenizer=tokenizer), text + "x")
    assert codec.spell(codec.begin(text)) == text
    spelling = codec.decoder()
    said = [spelling.push(token) for token in codec.begin(text)]
    assert "".join(said) + spelling.finish() == text
    assert "\ufffd" not in "".join(said) or "\ufffd" in text, "a character is said once it is whole"


def test_names_of_control_tokens_are_letters():
    said = "<|endoftext|></s>[PAD]<unk>"
    for tokenizer in TOKENIZERS:
        codec = fitted(Documents(tokenizer=tokenizer), said)
        assert min(codec.begin(said)[1:]) >= FIRST
        assert codec.spell(codec.begin(said)) == said


def test_an_unknown_character_is_read_and_bears_no_loss():
    codec = fitted(Documents(longest=4), "abcab")
    batch, _ = codec.encode(rows("aébc"))
    assert codec.begin("aébc").count(UNKNOWN) == 1
    assert batch["next"].tolist()[0][1] == UNKNOWN
    assert batch["bears"].tolist() == [[True, False, True, True], [True, False, False, False]]
    assert batch["bytes"].tolist() == [3, 0], "what bears no loss has no bytes"
    assert batch["mask"].sum() == 5


def test_a_text_that_is_not_there_is_a_fault_and_no_passage():
    codec = fitted(Documents(longest=4), "abc")
    batch, faults = codec.encode(rows("abcab", None, "  \n", "c"))
    assert faults["row"].to_list() == [1, 2]
    assert batch["row"].tolist() == [0, 0, 3]
    nothing, faults = codec.encode(rows(None))
    assert len(nothing["row"]) == 0
    assert len(faults) == 1
    with pytest.raises(Refused, match="No training row has a text"):
        fitted(Documents(), "", " ")


def test_the_most_frequent_characters_are_known():
    codec = fitted(Documents(tokenizer=Character(2)), "aaabbc")
    assert [token >= FIRST for token in codec.begin("abc")[1:]] == [True, True, False]


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_a_codec_comes_back_from_its_state(tokenizer):
    texts = sentences(20)
    codec = fitted(Documents(longest=11, tokenizer=tokenizer), *texts)
    state = codec.state()
    again = codec.encoding.load(State(json.loads(json.dumps(dict(state.facts))), state.tensors, state.texts))
    one, other = codec.encode(rows(*texts))[0], again.encode(rows(*texts))[0]
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (codec.reads, codec.writes) == (again.reads, again.writes)
    assert set(state.texts) == {"vocabulary.txt" if isinstance(tokenizer, Character) else "tokenizer.json"}


def test_pairs_are_the_librarys_own():
    import tokenizers

    codec = fitted(Documents(tokenizer=BPE(280)), *sentences(50))
    theirs = tokenizers.Tokenizer.from_str(codec.state().texts["tokenizer.json"])
    for text in sentences(10, seed=1):
        assert [token - FIRST for token in codec.begin(text)[1:]] == theirs.encode(text).ids
    assert codec.alphabet == FIRST + 280
    again = fitted(Documents(tokenizer=BPE(280)), *sentences(50))
    assert again.state().texts == codec.state().texts, "the same rows, the same tokens"


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(Refused, match=r'pip install "modelwright\[language\]"'):
        fitted(Documents(tokenizer=BPE(300)), "abc")
    assert fitted(Documents(), "abc").alphabet == FIRST + 3, "characters need none"


def test_a_damaged_tokenizer_is_no_codec():
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        Documents(tokenizer=BPE(300)).load(State({}, {}, {"tokenizer.json": "{}"}))


def test_pieces_are_encoded_alike_however_many_rows_at_a_time():
    texts = sentences(30)
    codec = fitted(Documents(longest=7), *texts)
    whole, _ = data.encode_all(codec, rows(*texts))
    for height in (1, 4):
        parts, _ = data.encode_all(codec, rows(*texts), height=height)
        assert all(torch.equal(whole[name], parts[name]) for name in whole)
    picked, _ = data.encode_all(codec, rows(*texts), np.array([3, 11]), height=1)
    assert picked["row"].unique().tolist() == [3, 11]


def test_what_is_not_there_is_counted_as_dropped():
    codec = fitted(Documents(longest=4), "abc")
    batch, dropped = data.without(*codec.encode(rows("abcab", None, "  \n", "c")))
    assert dropped == 2
    assert batch["row"].tolist() == [0, 0, 3]


def test_documents_are_counted_and_shown_with_what_bears_loss():
    codec = fitted(Documents(longest=3), "ab\nab")
    batch, _ = codec.encode(rows("aéb", "b\n"))
    counted = data.counted(batch)
    assert (counted.documents, counted.passages, counted.read, counted.borne) == (2, 3, 7, 6)
    assert "1 bear none" in counted.sentence
    shown = data.examples(codec, batch, 10)
    assert [one.tokens for one in shown] == [
        (("a", True), ("?", False), ("b", True)), (("(end)", True),), (("b", True), ("↵", True), ("(end)", True))
    ]  # fmt: skip
    assert "a|[?]|b" in shown[0].line
    assert len(data.examples(codec, codec.encode(rows("ab" * 60))[0], 10)) == 10
    with pytest.raises(Refused, match="Not one token of these rows bears loss"):
        data.counted({**batch, "bears": torch.zeros_like(batch["bears"])})
    pairs = fitted(Documents(tokenizer=BPE(256)), "好")
    told = data.examples(pairs, pairs.encode(rows("好"))[0], 1)[0]
    assert [text for text, _ in told.tokens] == ["<e5>", "<a5>", "<bd>", "(end)"]


# --- fed ----------------------------------------------------------------------------------------------------------------


def test_an_epoch_has_every_passage_once_and_mixes_those_of_a_text():
    codec = fitted(Documents(longest=5), "abcdefghij" * 40)
    tensors, _ = codec.encode(rows("abcdefghij" * 40, "jihgfedcba" * 40))
    feed = data.Feed(tensors, 16, seed=0)
    batches = [feed.batch(step) for step in range(feed.steps_per_epoch)]
    seen = [pair for batch in batches for pair in zip(batch["row"].tolist(), batch["place"].tolist())]
    assert sorted(seen) == sorted(zip(tensors["row"].tolist(), tensors["place"].tolist()))
    whole = [batch for batch in batches if len(batch["row"]) == 16]
    assert all(len(set(batch["row"].tolist())) == 2 for batch in whole), "a batch is of one text alone"
    places = [place for _, place in seen]
    assert sum(after == before + 5 for before, after in pairwise(places)) < len(places) // 10
    assert all(batch["next"].shape == batch["inputs"].shape == batch["bears"].shape for batch in batches)


# --- parted and judged --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [Stratified(0.2, 0.2), Hashed(0.2, 0.2)])
def test_rows_without_a_label_are_parted(rule):
    told = rows(*[f"text {place}" for place in range(100)])
    parts = data.split(rule, told, None, 0)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(100))
    assert all(5 < len(parts[part]) < 80 for part in parts)
    assert all(np.array_equal(a, b) for a, b in zip(parts.values(), data.split(rule, told, None, 0).values()))
    assert not np.array_equal(parts["test"], data.split(rule, told, None, 1)["test"])


def test_a_column_parts_rows_without_a_label():
    told = Rows(np.arange(30), pl.DataFrame({"text": ["x"] * 30, "part": (["train"] * 9 + ["test"]) * 3}))
    parts = data.split(Given(), told, None, 0)
    assert [len(parts[part]) for part in ("train", "validation", "test")] == [24, 3, 3]


def test_the_check_finds_twins_and_empty_texts_and_asks_for_no_label():
    told = rows(*[f"text {place}" for place in range(20)], "text 1", None)
    parts = {"train": np.arange(10), "validation": np.arange(10, 15), "test": np.arange(15, 22)}
    found = {finding.name: finding for finding in data.check(told, parts, Documents())}
    assert set(found) == {"leak", "missing"}
    assert found["missing"].grave
    assert found["leak"].rows == (20,)
    with pytest.raises(Refused, match='no column "body"'):
        data.check(told, parts, Documents(column="body"))


# --- found --------------------------------------------------------------------------------------------------------------


def test_a_folder_of_documents_is_a_row_per_file(tmp_path):
    there = {"b.txt": "two\n", "a.txt": "one 好", "deep/c.txt": "three", "notes.md": "no", ".hidden.txt": "no"}
    for name, text in there.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    found = data.read(Text(tmp_path, documents=("*.txt",))).columns
    assert found.to_dict(as_series=False) == {"text": ["one 好", "two\n", "three"], "file": ["a.txt", "b.txt", "deep/c.txt"]}
    chosen = {("[ab].txt",): "ab", ("*.txt", "!a*"): "bc", ("*.txt", "!deep/*"): "ab", ("a.*", "b.*"): "ab"}
    for patterns, names in chosen.items():
        read = data.read(Text(tmp_path, documents=patterns)).columns["file"]
        assert [name.removeprefix("deep/")[0] for name in read] == list(names)


@pytest.mark.parametrize("patterns", [("*.csv",), ("../*.txt",), ("/etc/*",), ("!b.txt",), ("*.txt", "!*"), ("",)])
def test_documents_that_are_not_there(tmp_path, patterns):
    (tmp_path / "a.txt").write_text("one", encoding="utf-8")
    with pytest.raises(Refused, match="no file that fits"):
        data.read(Text(tmp_path, documents=patterns))


def test_a_document_that_is_no_text_is_named(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9 \xff")
    with pytest.raises(Refused, match=r"a\.txt, line 1"):
        data.read(Text(tmp_path, documents=("*.txt",)))


def test_bytes_that_are_no_text_and_a_file_with_nothing_in_it_are_refused_by_name(tmp_path):
    for name, content in (("a.txt", b"good"), ("b.txt", b"line\n\x00\xff\xfe"), ("c.txt", b"")):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Refused, match=r"b\.txt, line 2: byte 0xff is not UTF-8"):
        data.read(Text(tmp_path, documents=("a.txt", "b.txt")))
    with pytest.raises(Refused, match=r"c\.txt is empty"):
        data.read(Text(tmp_path, documents=("a.txt", "c.txt")))


def test_a_text_longer_than_the_window_is_cut_and_nothing_of_it_lost():
    text = "abcdefghij" * 30
    codec = fitted(Documents(longest=16), text)
    batch, faults = codec.encode(rows(text))
    assert faults.is_empty()
    assert len(batch["row"]) == -(-301 // 16)
    assert codec.spell(batch["next"][batch["mask"]].tolist()) == text
    found = data.packed(batch, codec.encoding)
    assert data.counted(found).documents == 1
    assert int(found["mask"].sum()) == 301
