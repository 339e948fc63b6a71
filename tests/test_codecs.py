"""The promises of every codec, kind by kind: what is kept encodes the same bits, chunks do not matter, heights are kept."""

import dataclasses
import io
import json
import wave
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from modelwright.data.codecs import (
    Characters,
    Columns,
    Conversations,
    Documents,
    Encoding,
    LogMel,
    Pairs,
    Pictures,
    Sentences,
    Spans,
    Tags,
    Texts,
    Words,
)  # fmt: skip
from modelwright.data.codecs.tokens.subwords import WordPiece
from modelwright.data.encoded import encode_all, without
from modelwright.nouns import Classes, Numbers, Refused, Rows, State
from modelwright.reader import kinds

HEIGHT = 40


def rows_of(columns, ids=None):
    frame = pl.DataFrame(columns, strict=False)
    return Rows(np.arange(len(frame)) if ids is None else np.asarray(ids), frame)


def fitted(encoding, rows):
    return encoding.fit(lambda: iter([rows]))


def png(values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def table(draw):
    text = ["1", "2.5", " -3 ", "1e2", "", "NA", "4"] * 6
    sort = ["red", "green", "blue", "", "red", "green", "red"] * 6
    return {"size": text[:HEIGHT], "sort": sort[:HEIGHT], "label": draw(["no", "yes"])}


def texts(draw):
    words = ["the film is good", "", "不错的电影 good", "It's bad, bad!", "a\\b\nc", None, "ＦＩＬＭ"] * 6
    return {"text": words[:HEIGHT], "label": draw(["no", "yes"])}


def pictures(draw):
    dice = np.random.default_rng(0)
    shapes = [(6, 5), (6, 5, 3), (9, 9, 3)]
    found = [png(dice.integers(0, 256, shapes[i % 3], dtype=np.uint8)) for i in range(HEIGHT)]
    return {"picture": found, "label": draw(["no", "yes"])}


def sounds(draw):
    dice = np.random.default_rng(0)
    found = []
    for place in range(HEIGHT):
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setparams((1, 2, (8000, 11025)[place % 3 == 2], 0, "NONE", ""))
            file.writeframes(dice.integers(-9000, 9000, 200 + 137 * (place % 11), dtype=np.int16).astype("<i2").tobytes())
        found.append(b"RIFF" if place % 13 == 5 else buffer.getvalue())
    return {"sound": found, "label": draw(["no", "yes"])}


def labels(names):
    return [names[place % len(names)] for place in range(HEIGHT)]


CASES = {
    "columns": (Columns(label="label", missing="category"), table),
    "columns-number": (Columns(label="label", target="number", missing="most_frequent"), table),
    "columns-drop": (Columns(label="label", missing="drop", output="sigmoid"), table),
    "words": (Words(label="label", vocabulary=8, longest=3), texts),
    "characters": (Characters(label="label", longest=9, output="sigmoid"), texts),
    "texts": (Texts(label="label", tokenizer=WordPiece(60), longest=7), texts),
    "pictures": (Pictures(size=(4, 6)), pictures),
    "log_mel": (LogMel(mels=6, longest=0.15), sounds),
}


@pytest.fixture(params=CASES, scope="module")
def case(request):
    encoding, make = CASES[request.param]
    names = ["1.5", "2", "-4"] if encoding.wants is Numbers else ["no", "yes"]
    rows = rows_of(make(lambda _: labels(names)))
    return encoding, rows, fitted(encoding, rows)


def test_every_kind_has_its_case():
    """But documents, which have no label and of which one row becomes several (tests/test_documents.py, tests/test_spans.py),
    conversations (tests/test_conversations.py), pairs, whose label is a text (tests/test_pairs.py), tags,
    of which a row has several (tests/test_tags.py), and vectors, which have no label (tests/test_vectors.py)."""
    elsewhere = {Conversations, Documents, Pairs, Sentences, Spans, Tags}
    assert {type(encoding) for encoding, _ in CASES.values()} | elsewhere == set(kinds(Encoding))


def through_disk(state):
    """What the shelf does: JSON, safetensors and UTF-8 files."""
    texts = {name: text.encode() for name, text in state.texts.items()}
    tensors = load_tensors(save_tensors(dict(state.tensors)))
    facts = json.loads(json.dumps(state.facts, allow_nan=False))
    return State(facts, tensors, {name: text.decode() for name, text in texts.items()})


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        assert torch.equal(torch.nan_to_num(one[name], nan=-9e9), torch.nan_to_num(other[name], nan=-9e9)), name


def test_what_is_kept_encodes_the_same_bits(case):
    encoding, rows, codec = case
    again = encoding.load(through_disk(codec.state()))
    assert again.reads == codec.reads and again.writes == codec.writes and again.encoding == encoding
    (batch, faults), (other, told) = codec.encode(rows), again.encode(rows)
    assert_same(batch, other)
    assert faults.equals(told)
    units = codec.writes[0].kind.units if isinstance(codec.writes[0].kind, Classes) else 1
    outputs = {"label": torch.randn(5, units)}
    assert codec.decode(outputs).equals(again.decode(outputs))


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, HEIGHT), max_size=6))
def test_chunks_do_not_matter(case, cuts):
    encoding, rows, codec = case
    edges = [0, *sorted(cuts), HEIGHT]
    chunks = [rows.take(np.arange(start, stop)) for start, stop in pairwise(edges) if stop > start]
    assert encoding.fit(lambda: iter(chunks)).state() == codec.state()
    whole, faults = codec.encode(rows)
    parts = [codec.encode(chunk) for chunk in chunks]
    for name, tensor in whole.items():
        width = tensor.shape[1] if tensor.ndim in (2, 3) else None
        pieces = [part[name] for part, _ in parts]
        if width:
            assert all(not piece[:, width:].any() for piece in pieces)
            blank = [torch.zeros(len(piece), width - piece.shape[1], *piece.shape[2:], dtype=piece.dtype) for piece in pieces]
            pieces = [torch.cat(pair, dim=1) for pair in zip(pieces, blank)]
        assert_same({name: tensor}, {name: torch.cat(pieces)})
    assert pl.concat([found for _, found in parts]).equals(faults)


@pytest.mark.parametrize("height", [1, 7, 1000])
def test_encode_all_is_encode(case, height):
    _, rows, codec = case
    (whole, faults), (batch, told) = codec.encode(rows), encode_all(codec, rows, height=height)
    assert_same(whole, batch)
    assert faults.equals(told)


@pytest.mark.parametrize("height", [3, 1000])
def test_encode_all_takes_the_rows_at_positions_in_their_order(case, height):
    _, rows, codec = case
    positions = np.random.default_rng(0).permutation(len(rows))[: len(rows) // 2]
    (whole, faults), (batch, told) = codec.encode(rows.take(positions)), encode_all(codec, rows, positions, height)
    assert_same(whole, batch)
    assert sorted(faults.rows()) == sorted(told.rows()), "told chunk by chunk, in each column by column"


def test_order_and_height_are_kept_with_faults(case):
    _, rows, codec = case
    label = pl.Series("label", ["never seen" if place % 5 == 0 else value for place, value in enumerate(rows.columns["label"])])
    spoilt = Rows(rows.ids * 3 + 1, rows.columns.with_columns(label))
    batch, faults = codec.encode(spoilt)
    assert batch["row"].tolist() == spoilt.ids.tolist()
    assert all(len(tensor) == HEIGHT for tensor in batch.values())
    wrong = faults.filter(pl.col("column") == "label")
    assert wrong["row"].to_list() == [place * 3 + 1 for place in range(0, HEIGHT, 5)]
    assert wrong["sentence"].str.contains('"never seen"').all()
    assert torch.isfinite(batch["inputs"].float()).all()
    kept, dropped = without(batch, faults)
    assert dropped == faults["row"].n_unique()
    assert kept["row"].tolist() == [row for row in spoilt.ids.tolist() if row not in set(faults["row"])]


def test_only_fit_teaches(case):
    """A codec of the first rows keeps what those say alone, whatever it encodes later."""
    encoding, rows, _ = case
    first, last = rows.take(np.arange(20)), rows.take(np.arange(20, HEIGHT))
    codec = fitted(encoding, first)
    before, (batch, _) = codec.state(), codec.encode(first)
    codec.encode(last)
    assert codec.state() == before == fitted(encoding, first).state()
    assert_same(codec.encode(first)[0], batch)
    shifted = Rows(first.ids + 1000, first.columns)
    assert fitted(encoding, shifted).state() == before, "row ids teach nothing"


def test_a_kind_is_a_frozen_value(case):
    encoding, _, _ = case
    assert encoding == dataclasses.replace(encoding) and hash(encoding) == hash(dataclasses.replace(encoding))
    with pytest.raises(dataclasses.FrozenInstanceError):
        encoding.label = "other"


def test_without_a_label_column_there_is_no_label(case):
    _, rows, codec = case
    bare = Rows(rows.ids, rows.columns.drop("label"))
    batch, faults = codec.encode(bare)
    assert "label" not in batch and not len(faults.filter(pl.col("column") == "label"))
    assert_same({"inputs": codec.encode(rows)[0]["inputs"]}, {"inputs": batch["inputs"]})


def test_one_row_and_none(case):
    _, rows, codec = case
    whole = codec.encode(rows)[0]["inputs"]
    alone = codec.encode(rows.take(np.array([3])))[0]["inputs"]
    width = alone.shape[1]
    assert torch.equal(alone, whole[3:4, :width])
    batch, faults = codec.encode(rows.take(np.arange(0)))
    assert len(batch["row"]) == len(batch["inputs"]) == len(faults) == 0


def test_a_column_gone_is_refused_and_a_new_one_ignored(case):
    encoding, rows, codec = case
    name = next(column for column in rows.columns.columns if column != "label")
    with pytest.raises(Refused, match=f'"{name}".*{name}_'):
        codec.encode(Rows(rows.ids, rows.columns.rename({name: f"{name}_"})))
    more = Rows(rows.ids, rows.columns.with_columns(pl.lit("x").alias("more")))
    assert_same(codec.encode(rows)[0], codec.encode(more)[0])
    with pytest.raises(Refused, match="lack"):
        fitted(encoding, Rows(rows.ids, rows.columns.rename({"label": "labels"})))


# --- labels ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        ["3", "7", "3", "11"],
        [3, 7, 3, 11],
        [3.0, 7.0, 3.0, 11.0],
        ["3.0", " 7", "3.0", "11.0"],
        pl.Series(["3", "7", "3", "11"], dtype=pl.Categorical),
        pl.Series([3, 7, 3, 11], dtype=pl.UInt8),
    ],
)
def test_a_label_is_the_same_in_every_type(column):
    encoding = Columns(label="label")
    codec = fitted(encoding, rows_of({"x": [1, 2, 3, 4], "label": ["3", "7", "3", "11"]}))
    batch, faults = codec.encode(rows_of({"x": [1, 2, 3, 4], "label": column}))
    assert batch["label"].tolist() == [0, 1, 0, 2] and not len(faults)
    learned = fitted(encoding, rows_of({"x": [1, 2, 3, 4], "label": column}))
    assert learned.encode(rows_of({"x": [1, 2, 3, 4], "label": [3, 7, 3, 11]}))[0]["label"].tolist() == [0, 1, 0, 2]


def test_truth_is_a_label_and_keeps_its_spelling():
    codec = fitted(Columns(label="label"), rows_of({"x": [1, 2, 3], "label": ["True", "False", "True"]}))
    assert codec.writes[0].kind.names == ("False", "True")
    assert codec.encode(rows_of({"x": [1, 2], "label": [True, False]}))[0]["label"].tolist() == [1, 0]


def test_names_stand_by_size_or_by_alphabet():
    def names(label):
        return fitted(Columns(label="label"), rows_of({"x": range(len(label)), "label": label})).writes[0].kind.names

    assert names(["10", "9", "-1"]) == ("-1", "9", "10")
    assert names(["b", "10", "9"]) == ("10", "9", "b")


def test_numbers_come_back_in_their_unit():
    label = ["450000", "1e3", "-2.5", "0.1"]
    codec = fitted(Columns(label="label", target="number"), rows_of({"x": range(4), "label": label}))
    batch, faults = codec.encode(rows_of({"x": range(6), "label": [*label, "many", ""]}))
    assert batch["label"].shape == (6, 1) and batch["label"].dtype == torch.float32
    assert abs(float(batch["label"][:4].mean())) < 1e-6
    assert float(batch["label"][:4].std(unbiased=False)) == pytest.approx(1, abs=1e-6)
    assert faults["sentence"].to_list() == ['"many" is not a number.', "There is no value."]
    values = np.array([float(value) for value in label])
    exact = torch.from_numpy((values - values.mean()) / values.std())
    answer = codec.decode({"label": exact[:, None]})["answer"]
    assert answer.dtype == pl.Float64
    np.testing.assert_allclose(answer.to_numpy(), values, rtol=1e-12, atol=1e-9)


def test_classes_come_back_with_their_chances():
    rows = rows_of({"x": range(3), "label": ["b", "a", "c"]})
    logits = torch.tensor([[0.0, 1.0, -1.0], [3.0, 0.0, 0.0]])
    answers = fitted(Columns(label="label"), rows).decode({"label": logits})
    assert answers["answer"].to_list() == ["b", "a"]
    assert answers["chances"].dtype == pl.Array(pl.Float32, 3)
    np.testing.assert_allclose(answers["chances"].to_numpy(), torch.softmax(logits, 1).numpy())


def test_one_sigmoid_is_the_chance_of_the_second():
    codec = fitted(Columns(label="label", output="sigmoid"), rows_of({"x": range(2), "label": ["good", "bad"]}))
    answers = codec.decode({"label": torch.tensor([[2.0], [-2.0]])})
    assert answers["answer"].to_list() == ["good", "bad"]
    np.testing.assert_allclose(answers["chances"].to_numpy(), [[0.1192029, 0.8807971], [0.8807971, 0.1192029]], rtol=1e-5)


@pytest.mark.parametrize(
    ("label", "output", "words"),
    [
        (["a", "b", "c"], "sigmoid", "two classes"),
        (["a", "a", ""], "softmax", 'found: "a"'),
        (["", "NA", None], "softmax", "none|fault"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(label, output, words):
    with pytest.raises(Refused, match=words):
        fitted(Columns(label="label", output=output), rows_of({"x": range(3), "label": label}))


def test_a_price_is_no_class():
    with pytest.raises(Refused, match='target = "number"'):
        fitted(Columns(label="label"), rows_of({"x": range(1500), "label": range(1500)}))
