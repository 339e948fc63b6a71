"""An export answers raw rows as its artifact does, or is refused: every family, every codec, and planted changes."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from modelwright import evaluation, exchange, models, vault
from modelwright.compression import pruning, rounding, shaped
from modelwright.compression.surgery import converted
from modelwright.data.codecs import Characters, Columns, LogMel, Pictures, Words
from modelwright.data.codecs.columns.table import Category, Number
from modelwright.data.codecs.words.texts import tokens
from modelwright.evaluation.answering import outputs
from modelwright.exchange import answer
from modelwright.exchange.facts import facts
from modelwright.exchange.graphs import Cells
from modelwright.exchange.proof import prove, rounded, said
from modelwright.models import CNN, GRU, LSTM, MLP, RNN, Encoder, Linear
from modelwright.nouns import Artifact, Refused, Rows

CHANCE = np.random.default_rng(0)
N = 260


def rows_of(columns) -> Rows:
    frame = pl.DataFrame(columns)
    return Rows(np.arange(len(frame)), frame)


def table(label=("yes", "no", "maybe")) -> Rows:
    """Cells as people spell them: spaces, 3.0 for 3, True, things missing."""
    numbers = [f"{x:.6g}" for x in 1e3 * CHANCE.standard_normal(N)]
    numbers[3], numbers[7], numbers[11], numbers[15] = " 12.5 ", "NA", "1e3", "-.5"
    colours = CHANCE.choice(["red", "green", " red ", "True", "true", "3.0", "3", ""], N).tolist()
    return rows_of({
        "size": numbers, "colour": colours, "other": [str(x) for x in CHANCE.standard_normal(N).round(3)],
        "label": CHANCE.choice(label, N).tolist(),
    })  # fmt: skip


def commas() -> Rows:
    """As a German or French spreadsheet writes numbers."""
    size = [f"{x:,.2f}".translate(str.maketrans(",.", ".,")) for x in 1e4 * CHANCE.standard_normal(N)]
    size[3], size[7], size[11], size[15] = " 12,5 ", "NA", "1\u202f234,5", "1,5e3"
    colours = CHANCE.choice(["1.000", "1000", "rouge", ""], N).tolist()
    return rows_of({"size": size, "colour": colours, "label": CHANCE.choice(["oui", "non"], N).tolist()})


def texts() -> Rows:
    words = [
        "Good",
        "BAD",
        "don't",
        "naïve",
        "中文",
        "ｆｕｌｌ",
        "x_1",
        "Ünï",
        "¿qué?",
        "ok!",
        "42",
        "—",
        "日本語",
        "fin\nal",
        "ΣΑΣ",
    ]
    made = [" ".join(CHANCE.choice(words, CHANCE.integers(0, 30))) for _ in range(N)]
    return rows_of({"text": made, "label": CHANCE.choice(["up", "down"], N).tolist()})


def pictures(colour: bool = False) -> Rows:
    """Encoded in several sizes and modes."""
    cells = []
    for place in range(N):
        size = (9, 8) if place % 5 else (16, 12)
        pixels = CHANCE.integers(0, 256, (*size[::-1], 3), np.uint8)
        image = Image.fromarray(pixels).convert("RGB" if colour else "L")
        image = image.convert("RGBA" if colour else "LA") if place % 7 == 0 else image
        file = io.BytesIO()
        image.save(file, "PNG")
        cells.append(file.getvalue())
    return rows_of({"picture": cells, "label": CHANCE.choice(["cat", "dog", "cow"], N).tolist()})


def made(encoding, family, rows: Rows) -> tuple[Artifact, Rows]:
    """An artifact that has not learned: its weights are as good as any for this."""
    codec = encoding.fit(lambda: iter([rows]))
    module = models.build(family, codec.reads, codec.writes, seed=1).eval()
    return Artifact(family=family, codec=codec, module=module), rows


PADDED = Columns("label", missing="category")
CASES = {
    "linear table": (PADDED, Linear(), table),
    "mlp median": (Columns("label", missing="median"), MLP((16, 8), "gelu"), table),
    "mlp number": (Columns("other", target="number", missing="median"), MLP((16,), "tanh"), table),
    "mlp sigmoid": (Columns("label", missing="category", output="sigmoid"), MLP((5,)), lambda: table(("0", "1"))),
    "mlp faults": (Columns("label", missing="refuse"), MLP((5,)), table),
    "mlp commas": (Columns("label", missing="category", decimal=",", categories=("colour",)), MLP((5,)), lambda: commas()),
    "cnn": (Pictures(size=(8, 8)), CNN(((4,), (6,)), (8,)), pictures),
    "cnn colour": (Pictures(size=(8, 8)), CNN(((4,),), (8,)), lambda: pictures(True)),
    "linear texts": (Words("label"), Linear(), texts),
    "mlp characters": (Characters("label", longest=40), MLP((8,), embedding=4), texts),
    "rnn": (Words("label", longest=12), RNN(4, 6), texts),
    "gru both ways": (Words("label"), GRU(4, 6, both_ways=True), texts),
    "lstm": (Words("label", output="sigmoid"), LSTM(4, 6), texts),
    "encoder": (Words("label", longest=12), Encoder(depth=1, width=8, heads=2), texts),
    "lstm both ways": (Characters("label"), LSTM(4, 6, both_ways=True), texts),
}


@pytest.mark.parametrize("case", CASES)
def test_every_family_answers_raw_rows_through_onnxruntime_as_here(case, tmp_path):
    encoding, family, source = CASES[case]
    artifact, rows = made(encoding, family, source())
    proof = exchange.export(artifact, rows, tmp_path / "out")
    assert proof.rows == N and proof.largest < 1e-5
    files = vault.take_folder(tmp_path / "out")
    assert set(files) == {"model.onnx", "codec.json", "answer.py", "label.json", "README.md"}
    assert json.loads(files["label.json"])["proof"]["rows"] == N
    assert str(Path(__file__).parents[1]).encode() not in files["model.onnx"] and b".py" not in files["model.onnx"]
    assert str(tmp_path).encode() not in b"".join(files.values())


def test_recordings_are_refused_and_why_is_said():
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.zeros(4000, "<i2").tobytes())
    frame = pl.DataFrame({"sound": [written.getvalue()] * 2, "label": ["a", "b"]})
    artifact, _ = made(LogMel("label"), CNN(((4,),), (8,)), Rows(np.arange(2), frame))
    with pytest.raises(Refused, match="a graph that begins at spectra cannot be proved on raw rows"):
        exchange.built(artifact)


@pytest.mark.parametrize("case", ["cnn", "lstm", "mlp number"])
def test_a_compressed_artifact_is_exported_as_it_answers(case, tmp_path):
    """Half the units gone, the weights in eight bits: the graph holds float32 and says the same."""
    artifact, rows = made(CASES[case][0], CASES[case][1], CASES[case][2]())
    batch, codec = artifact.codec.encode(rows)[0], artifact.codec
    kept = pruning.fit(artifact.module, [batch], 0.5, pruning.plan(artifact.module, batch))
    smaller = shaped(models.build(artifact.family, codec.reads, codec.writes, seed=0), (kept,))
    smaller.load_state_dict(converted((kept,), artifact.module.state_dict()), assign=True)
    rounded, _ = rounding.fit(smaller)
    artifact = replace(artifact, module=rounded.shape(smaller).eval(), edits=(kept, rounded))
    exchange.export(artifact, rows, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "label.json").read_bytes())["edits"] == ["kept", "rounded"]
    assert len((tmp_path / "out" / "model.onnx").read_bytes()) < len(
        exchange.built(made(*CASES[case][:2], rows)[0])["model.onnx"]
    )


def test_any_batch_and_any_time_at_once():
    artifact, rows = made(Words("label"), LSTM(4, 6, both_ways=True), texts())
    files = exchange.built(artifact)
    session = onnxruntime.InferenceSession(files["model.onnx"], providers=["CPUExecutionProvider"])
    axes = {port.name: port.shape for port in session.get_inputs()}
    assert axes == {"inputs": ["batch", "time"]}
    whole = said(files, rows).raw
    for height in (1, 3, N):
        part, _ = answer.feed(json.loads(files["codec.json"]), rows.take(np.arange(height)).columns.to_dicts())
        wide = np.pad(part["inputs"], ((0, 0), (0, 9)))  # more padding changes nothing
        for inputs in (part["inputs"], wide):
            raw = session.run(["raw"], {"inputs": inputs})[0]
            assert np.abs(raw - whole[:height]).max() < 1e-6


def test_the_graph_is_one_file_that_onnx_itself_accepts():
    artifact, _ = made(PADDED, MLP((300,)), table())
    found = onnx.load_from_string(exchange.built(artifact)["model.onnx"])
    onnx.checker.check_model(found, full_check=True)
    assert not any(tensor.external_data for tensor in found.graph.initializer)
    assert found.producer_name == "modelwright" and not any(node.doc_string or node.metadata_props for node in found.graph.node)


# --- plants -----------------------------------------------------------------------------------------------------------------


def planted(artifact: Artifact, codec) -> dict[str, bytes]:
    """What would be written, had the exporter taken this codec for the artifact's."""
    return exchange.built(replace(artifact, codec=codec))


def refused(files, artifact, rows) -> None:
    with pytest.raises(Refused, match="answers otherwise"):
        prove(files, artifact, rows)


def test_a_changed_scaler_is_found():
    artifact, rows = made(Columns("label", missing="median"), MLP((16,)), table())
    prove(exchange.built(artifact), artifact, rows)
    for change in ({"mean": 1.0}, {"spread": 1001.0}, {"fill": 5.0}):
        columns = tuple(
            replace(one, **{key: value + (getattr(one, key) if key == "mean" else 0) for key, value in change.items()})
            if isinstance(one, Number) and one.name == "size" else one for one in artifact.codec.columns
        )  # fmt: skip
        refused(planted(artifact, replace(artifact.codec, columns=columns)), artifact, rows)


def test_what_rounding_may_do_is_measured_and_small():
    """In float64 the same network says what rounding took away: less than a plant of 1e-4, more than nothing."""
    artifact, rows = made(Words("label"), LSTM(4, 6, both_ways=True), texts())
    raw = np.concatenate([part.numpy() for part in outputs(artifact.module, artifact.codec, rows, 64)])
    assert 0 < rounded(artifact, rows, raw) < 1e-6 and artifact.module.heads.ports["label"].weight.dtype == torch.float32
    assert rounded(artifact, rows, raw + np.float32(1e-4)) > 0.9e-4


def test_another_order_of_classes_is_found():
    for encoding, family, source in (CASES["linear table"], CASES["cnn"], CASES["lstm"]):
        artifact, rows = made(encoding, family, source())
        labels = artifact.codec.labels
        turned = replace(artifact.codec, labels=replace(labels, names=labels.names[::-1]))
        refused(planted(artifact, turned), artifact, rows)


def test_another_order_of_values_or_columns_is_found():
    artifact, rows = made(PADDED, MLP((16,)), table())
    columns = artifact.codec.columns
    values = tuple(replace(one, values=one.values[::-1]) if isinstance(one, Category) else one for one in columns)
    for other in (values, columns[::-1]):
        refused(planted(artifact, replace(artifact.codec, columns=other)), artifact, rows)


def test_another_unit_of_a_number_is_found():
    artifact, rows = made(*CASES["mlp number"][:2], table())
    for change in ({"mean": artifact.codec.labels.mean + 0.01}, {"spread": artifact.codec.labels.spread * 1.001}):
        refused(planted(artifact, replace(artifact.codec, labels=replace(artifact.codec.labels, **change))), artifact, rows)


def test_another_scaler_of_pictures_is_found():
    artifact, rows = made(*CASES["cnn"][:2], pictures())
    other, _ = made(Pictures(size=(8, 8)), CNN(((4,), (6,)), (8,)), rows)
    with_it = other.module.inputs.mean
    with_it += 1.0
    refused(exchange.built(other), artifact, rows)


def test_changed_words_are_found():
    artifact, rows = made(Words("label"), GRU(4, 6), texts())
    vocabulary = artifact.codec.vocabulary
    refused(planted(artifact, replace(artifact.codec, vocabulary=vocabulary.reverse())), artifact, rows)
    files = exchange.built(artifact)
    for key, value in (("longest", 5), ("letters", [[97, 122]])):
        codec = {**json.loads(files["codec.json"]), key: value}
        refused({**files, "codec.json": json.dumps(codec).encode()}, artifact, rows)


def test_a_changed_weight_is_found():
    artifact, rows = made(*CASES["linear texts"][:2], texts())
    files = exchange.built(artifact)
    head = artifact.module.heads.ports["label"]
    head.bias.data += 1e-4
    refused(files, artifact, rows)


# --- refusals ---------------------------------------------------------------------------------------------------------------


def test_too_few_rows_prove_nothing(tmp_path):
    artifact, rows = made(PADDED, MLP((5,)), table())
    with pytest.raises(Refused, match="200 raw rows are needed"):
        exchange.export(artifact, rows.take(np.arange(199)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_the_extra_it_says_which(monkeypatch, tmp_path):
    artifact, rows = made(PADDED, MLP((5,)), table())
    monkeypatch.setattr(exchange, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=r'pip install "modelwright\[onnx\]"'):
        exchange.export(artifact, rows, tmp_path / "out")


def test_a_network_that_onnx_cannot_say_is_refused(tmp_path):
    class Odd(torch.nn.Module):
        def forward(self, batch):
            return {"label": torch.linalg.qr(batch["inputs"])[0][:, :3]}

    artifact, rows = made(PADDED, MLP((5,)), table())
    with pytest.raises(Refused, match="cannot be written as ONNX"):
        exchange.export(replace(artifact, module=Odd()), rows, tmp_path / "out")


# --- the reader -------------------------------------------------------------------------------------------------------------


KNOWN = st.characters(exclude_categories=("Cs", "Cn"))
"""What this Python's Unicode knows: the reader goes by it, and the codec by polars', which may be younger."""
READERS = [
    (one, facts(one.fit(lambda: iter([texts()])))) for one in (Words("label", longest=7), Characters("label", longest=7))
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(KNOWN, max_size=30), min_size=1, max_size=20))
def test_the_reader_cuts_any_text_as_the_codec_does(found):
    for encoding, told in READERS:
        wanted = [(cut.to_list() if cut is not None else []) for cut in tokens(encoding, pl.Series(found, dtype=pl.String))]
        assert [answer.tokens(told, text) for text in found] == wanted


CELLS = st.one_of(
    st.text(max_size=6),
    st.floats().map(repr),
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["NA", " 3.0", "TRUE", "-999"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=30))
def test_the_reader_reads_any_cell_as_the_codec_does(cells):
    rows = rows_of({"size": cells, "colour": cells[::-1]})
    batch, faults = TABLE.codec.encode(rows)
    inputs, wrong = answer.feed(TABLE_FACTS, rows.columns.to_dicts())
    assert {place for place, fault in enumerate(wrong) if fault} == set(faults["row"].to_list())
    good = np.array([fault is None for fault in wrong])
    inside = DOOR(*(torch.from_numpy(one) for one in inputs.values()))["inputs"]
    assert torch.equal(inside[good], batch["inputs"][good])


TABLE, _ = made(Columns("label", missing="category", blanks=("", "NA", "-999"), ignore=("other",)), MLP((4,)), table())
TABLE_FACTS, DOOR = facts(TABLE.codec), Cells(TABLE.codec)


def test_it_runs_alone_and_says_what_predict_says(tmp_path):
    artifact, rows = made(*CASES["mlp faults"][:2], table())
    exchange.export(artifact, rows, tmp_path / "out")
    rows.columns.write_csv(tmp_path / "rows.csv")
    told = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "out" / "answer.py"), str(tmp_path / "rows.csv")],
        capture_output=True, encoding="utf-8", check=True, cwd=tmp_path,
    ).stdout  # fmt: skip
    found = list(csv.DictReader(io.StringIO(told)))
    ours = evaluation.answer_rows(artifact.module, artifact.codec, rows).frame
    assert [row["answer"] or None for row in found] == ours["answer"].to_list()
    assert ours["answer"].null_count() > 0 and all(bool(row["fault"]) != bool(row["answer"]) for row in found)
