"""Vectors of texts and tags of words over HTTP: the answers of predict, in shapes that a program and a person can use."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import served
from modelwright import evaluation, shelf
from modelwright.__main__ import main
from modelwright.nouns import Rows
from modelwright.serving import batching, page, replying
from modelwright.serving.asking import Question
from modelwright.serving.house import closed, opened

SAID = [["Anna", "Stone", "sees", "Rome"], ["Rome"], ["Boris", "sees", "Anna"], ["so", "what", "?"]]
TEXTS = ["a big cat", "a large cat", "two dogs", "nothing like it at all"]


@pytest.fixture(scope="module")
def live():
    artifacts = {"names": served.names(), "plain": served.names("none"), "likes": served.likes(), "iris": served.iris()}
    with served.live(artifacts) as running:
        yield running


def predicted(artifact, rows: list[dict[str, object]], folder: Path, ending: str) -> pl.DataFrame:
    """What the command writes."""
    shelf.put(artifact, folder / "artifact")
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    out = folder / f"out{ending}"
    assert main(["predict", str(folder / "artifact"), str(folder / "rows.jsonl"), "-o", str(out), "--quiet"]) == 0
    return {".jsonl": pl.read_ndjson, ".csv": pl.read_csv, ".parquet": pl.read_parquet}[ending](out)


# --- tags -------------------------------------------------------------------------------------------------------------------


def test_words_have_the_tags_of_predict_and_entities_that_these_spell(live, tmp_path):
    found = live.post("names", [{"words": words} for words in SAID]).answers
    assert [[one["word"] for one in told["answer"]] for told in found] == SAID
    by_file = predicted(served.names(), [{"words": words} for words in SAID], tmp_path, ".jsonl").to_dicts()
    assert [[one["tag"] for one in told["answer"]] for told in found] == [told["answer"] for told in by_file]
    assert [told["words"] for told in by_file] == SAID
    assert [told["entities"] for told in found] == [told["entities"] for told in by_file]
    for told in found:
        for entity in told["entities"]:
            start, stop = entity["start"], entity["stop"]
            assert entity["words"] == [one["word"] for one in told["answer"][start:stop]]
            assert told["answer"][start]["tag"] == f"B-{entity['name']}"


def test_entities_are_told_in_their_order_with_their_words():
    words = ["Anna", "Stone", "and", "Rome", "Rome"]
    told = evaluation.spelled(words, ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"], "iob2")
    assert told == [
        {"name": "PER", "start": 0, "stop": 2, "words": ["Anna", "Stone"]},
        {"name": "LOC", "start": 3, "stop": 4, "words": ["Rome"]},
        {"name": "LOC", "start": 4, "stop": 5, "words": ["Rome"]},
    ]


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_tags_are_written_into_every_file(tmp_path, ending):
    rows: list[dict[str, object]] = [{"words": ["Anna", "sees"]}, {"words": "no list"}]
    good, bad = predicted(served.names(), rows, tmp_path, ending).to_dicts()
    assert list(good) == ["row", "words", "answer", "entities", "fault"]
    read = json.loads if ending == ".csv" else lambda cell: cell
    assert read(good["words"]) == ["Anna", "sees"] and len(read(good["answer"])) == 2
    assert bad["words"] is bad["answer"] is bad["entities"] is None and "no list" in bad["fault"]


def test_tags_that_spell_nothing_have_no_entities(live, tmp_path):
    (told,) = live.post("plain", {"words": ["Anna", "sees"]}).answers
    assert set(told) == {"row", "answer"}
    assert "entities" not in predicted(served.names("none"), [{"words": ["Anna"]}], tmp_path, ".csv").columns


def test_words_beyond_the_window_have_no_tag_and_that_is_said():
    with served.live({"names": served.names(longest=8)}) as live:
        (told,) = live.post("names", {"words": ["Anna", "Stone", "sees"]}).answers
    assert [one["tag"] is None for one in told["answer"]] == [False, False, True]
    assert "longer than 8 tokens" in told["overlong"]


def test_a_table_of_words_is_read_as_json_is(live):
    body = b'words\n"[""Anna"", ""sees""]"\n'
    assert live.post("names", body, "text/csv").answers == live.post("names", {"words": ["Anna", "sees"]}).answers


# --- vectors ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_a_text_has_the_vector_of_predict_to_the_last_bit(live, tmp_path, ending):
    found = live.post("likes", [{"text": text} for text in TEXTS]).answers
    vectors = np.array([told["answer"] for told in found], np.float32)
    assert vectors.shape == (4, 16) and np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    table = predicted(served.likes(), [{"text": text} for text in TEXTS], tmp_path, ending)
    assert table.columns == ["row", "answer", "fault"]
    cells = table["answer"].to_list()
    written = np.array([json.loads(cell) for cell in cells] if ending == ".csv" else cells, np.float32)
    assert np.array_equal(vectors, written)


def test_a_pair_is_told_its_likeness_which_is_the_cosine(live, tmp_path):
    rows: list[dict[str, object]] = [{"text": TEXTS[0], "positive": TEXTS[1]}, {"text": TEXTS[2], "positive": None}]
    pair, half = live.post("likes", rows).answers
    one, other = (np.array(live.post("likes", {"text": text}).answers[0]["answer"]) for text in TEXTS[:2])
    assert pair["likeness"] == pytest.approx(one @ other, abs=1e-6) and pair["likeness"] < 0.9999
    assert "likeness" not in half and half["answer"] and half["fault"]
    table = predicted(served.likes(), rows, tmp_path, ".csv")
    assert table["likeness"].to_list() == [pytest.approx(pair["likeness"], abs=1e-6), None]


def test_the_columns_of_a_file_do_not_hang_on_its_faults():
    artifact = served.likes()
    for positive in ("a cat", None):
        frame = pl.DataFrame({"text": ["a"], "positive": [positive]}, schema_overrides={"positive": pl.String})
        assert "likeness" in evaluation.predicted(artifact.module, artifact.codec, Rows(np.arange(1), frame)).columns


def test_a_vector_that_is_no_number_is_a_fault():
    class Nowhere(torch.nn.Module):
        def forward(self, batch):
            return {"vector": torch.full((len(batch["row"]), 16), float("nan"))}

    artifact = replace(served.likes(), module=Nowhere())
    (reply,) = batching.answer(artifact, [Question({"text": ["a"]}, 1)])
    assert json.loads(reply.body)["answers"] == [{"row": 0, "answer": None, "fault": "The model's answer is no finite number."}]


# --- both -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "row", "fault"),
    [
        ("names", {"words": "Anna"}, "no list of texts"), ("names", {"words": ["Anna", " "]}, "Word 2 is empty"),
        ("names", {"words": [1, {"a": 2}]}, "no list of texts"), ("names", {"words": None}, "no value"),
        ("likes", {"text": None}, "no value"),
    ],
)  # fmt: skip
def test_a_faulty_row_says_why_and_its_neighbours_stand(live, model, row, fault):
    good = {"names": {"words": ["Rome"]}, "likes": {"text": "a cat"}}[model]
    first, bad, last = live.post(model, [good, row, good]).answers
    assert bad["answer"] is None and fault in bad["fault"], bad
    assert first["answer"] == last["answer"] and "fault" not in first


@pytest.mark.parametrize(("model", "asked"), [("names", {"text": "x"}), ("likes", {"words": ["x"]}), ("names", [])])
def test_what_is_no_question_is_unreadable(live, model, asked):
    assert live.post(model, asked).status == 422


def mates(artifact, rows: list[dict[str, list]]) -> None:
    """Answered together each gets what it gets alone."""
    asked = [Question(row, 1) for row in rows]
    together = [json.loads(reply.body)["answers"] for reply in batching.answer(artifact, asked)]
    alone = [json.loads(batching.answer(artifact, [one])[0].body)["answers"] for one in asked]
    for (one,), (other,) in zip(together, alone):
        if isinstance(one["answer"][0], float):
            assert np.array(one["answer"]) == pytest.approx(np.array(other["answer"]), abs=3e-6)
        else:
            assert one == other


def both_with_mates():
    mates(served.names(), [{"words": [json.dumps(words)]} for words in SAID])
    mates(served.likes(), [{"text": [text]} for text in TEXTS])


def test_mates_in_a_batch_change_no_answer():
    both_with_mates()


@pytest.mark.parametrize("bug", ["_tags", "_vectors"])
def test_answers_of_the_wrong_row_are_caught(monkeypatch, bug):
    right = getattr(replying, bug)
    monkeypatch.setattr(replying, bug, lambda *given: iter([*list(right(*given))[1:], *list(right(*given))[:1]]))
    with pytest.raises(AssertionError):
        both_with_mates()


def test_vectors_have_no_reasons_and_the_sentence_says_where_to_ask(live):
    told = live.explain("likes", {"text": "a cat"})
    assert told.status == 404 and "/predict/likes" in told.json["error"]


VERBS = [["explain"], ["compress", "-o", "small", "--data"], ["export", "--to", "onnx", "-o", "x.onnx", "--data"]]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize(("artifact", "row"), [(served.names, {"words": ["Rome"]}), (served.likes, {"text": "a cat"})])
def test_verbs_that_make_no_sense_of_them_say_so(tmp_path, monkeypatch, capsys, artifact, row, verb):
    if verb == ["explain"] and artifact is served.names:
        verb = ["explain", "--method", "permutation"]
    monkeypatch.chdir(tmp_path)
    shelf.put(artifact(), tmp_path / "artifact")
    Path("rows.jsonl").write_text(json.dumps(row), encoding="utf-8")
    assert main(["--lang", "en", verb[0], "artifact", *verb[1:], "rows.jsonl"]) == 2
    assert "modelwright predict ARTIFACT" in capsys.readouterr().err


def fits(value, schema) -> bool:
    """Enough of JSON Schema for what the server's answers are told to be."""
    if "enum" in schema:
        return value in schema["enum"]
    kinds = {"array": list, "object": dict, "string": str, "integer": int, "number": (int, float), "null": type(None)}
    wanted = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, kinds[kind]) for kind in wanted):
        return False
    if isinstance(value, list):
        low, high = schema.get("minItems", 0), schema.get("maxItems", len(value))
        return low <= len(value) <= high and all(fits(one, schema["items"]) for one in value)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return set(value) <= set(known) and all(fits(inner, known[name]) for name, inner in value.items())
    return True


def _body(told):
    return told["requestBody"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize("name", ["names", "plain", "likes", "iris"])
def test_answers_are_what_the_openapi_text_says(live, name):
    told = live.ask("GET", "/openapi.json").json["paths"][f"/predict/{name}"]["post"]
    schemas = live.ask("GET", "/openapi.json").json["components"]["schemas"]
    (row,) = (schemas[place["$ref"].rpartition("/")[2]]["example"] for place in _body(told)["anyOf"][:1])
    answer = told["responses"]["200"]["content"]["application/json"]["schema"]
    answer["properties"]["answers"]["items"] = schemas[answer["properties"]["answers"]["items"]["$ref"].rpartition("/")[2]]
    body = live.post(name, [row, dict.fromkeys(row)])
    assert body.answers[0]["answer"] is not None and body.answers[1]["fault"]
    assert fits(body.json, answer), body.json
    assert not fits({"answers": [{"row": 0, "answer": "no such thing"}]}, answer)


def test_the_meters_count_them(live):
    before = metered(live)
    live.post("names", [{"words": ["Rome"]}, {"words": "?"}])
    live.post("likes", {"text": "a cat"})
    after = metered(live)
    assert [new - old for new, old in zip(after, before)] == [2, 1, 1]


def metered(live) -> list[float]:
    text = live.ask("GET", "/metrics").body.decode()
    asked = ("rows_total{model=\"names\"}", "faulty_rows_total{model=\"names\"}", "rows_total{model=\"likes\"}")
    return [float(re.search(rf"modelwright_{re.escape(one)} (\S+)", text)[1]) for one in asked]


def test_the_page_has_a_form_for_each(live):
    shown = live.ask("GET", "/").body.decode()
    assert shown.count('name="text"') == 2 and 'data-answers="vector"' in shown and "-1 to 1" in shown
    assert 'data-names="[&#34;LOC&#34;, &#34;PER&#34;]"' in shown and 'data-between=" "' in shown
    assert '{"words": ["Ada", "Lovelace"' in shown.replace("&#34;", '"'), "the command that asks the same"
    ready = live.ask("GET", "/ready").json["models"]
    assert ready == dict.fromkeys(("names", "plain", "likes", "iris"), True)


PLAIN = st.none() | st.booleans() | st.integers() | st.text()


@given(value=st.recursive(PLAIN, lambda some: st.lists(some) | st.dictionaries(st.text(), some)))
@settings(max_examples=60, deadline=None)
def test_json_for_the_eye_is_the_same_json(value):
    assert json.loads(page.narrow(value)) == value


def test_what_fits_in_a_line_stands_in_one():
    told = page.narrow({"short": ["a", "b"], "long": ["c" * 50, {"d": "e" * 30}]})
    assert told.splitlines() == [
        "{", '  "short": ["a", "b"],', '  "long": [', f'    "{"c" * 50}",', f'    {{"d": "{"e" * 30}"}}', "  ]", "}"
    ]  # fmt: skip


@pytest.mark.parametrize("chats", [False, True])
def test_the_page_asks_a_text_or_in_messages_and_can_be_stopped(chats):
    artifacts = {"rhymes": served.rhymes()}
    house = opened(artifacts)
    speaking = {name: replace(one, chats=chats) for name, one in house.speaking.items()}
    try:
        shown = page.first(replace(house, speaking=speaking), "http://127.0.0.1")
    finally:
        closed(house)
    assert 'class="stop" hidden' in shown and 'data-counted="{n} tokens in {seconds} s."' in shown
    assert ("&#34;messages&#34;" in shown) == chats == ('data-chats="yes"' in shown)


@pytest.mark.parametrize(("model", "made"), [("names", served.names), ("likes", served.likes), ("iris", served.iris)])
def test_who_accepts_a_table_gets_the_bytes_of_predict(live, tmp_path, model, made):
    said = {"names": [{"words": words} for words in [*SAID, "?"]], "likes": [{"text": text} for text in [*TEXTS, None]]}
    rows = said.get(model, [*served.iris_rows(5).columns.drop("species").to_dicts(), {"colour": "red"}])
    shelf.put(made(), tmp_path / "artifact")
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    paths = [str(tmp_path / name) for name in ("artifact", "rows.jsonl", "a.csv")]
    assert main(["predict", *paths[:2], "-o", paths[2], "--quiet"]) == 0
    headers = {"Content-Type": "application/json", "Accept": "text/csv;q=1, */*"}
    told = live.ask("POST", f"/predict/{model}", json.dumps(rows).encode(), headers)
    assert told.status == 200 and told.headers["content-type"].startswith("text/csv")
    assert told.body == (tmp_path / "a.csv").read_bytes()
    assert live.ask("POST", f"/predict/{model}", json.dumps(rows).encode(), {**headers, "Accept": "*/*"}).answers


def test_tables_and_json_are_answered_together_each_in_its_form():
    artifact = served.likes()
    asked = [Question({"text": [text]}, 1, form=form) for text, form in zip(TEXTS, ("csv", "json", "csv", "json"))]
    bodies = [reply.body for reply in batching.answer(artifact, asked)]
    assert [body[:1] for body in bodies] == [b"r", b"{", b"r", b"{"]
    for text, body in zip(TEXTS[::2], bodies[::2]):
        (alone,) = json.loads(batching.answer(artifact, [Question({"text": [text]}, 1)])[0].body)["answers"]
        (line,) = pl.read_csv(body).to_dicts()
        assert line["row"] == 0 and json.loads(line["answer"]) == pytest.approx(alone["answer"], abs=3e-6)
