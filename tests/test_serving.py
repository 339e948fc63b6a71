"""The server, really running: the same answers as everywhere else, whatever comes in and whoever hangs up."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import served
from modelwright import evaluation, serving, shelf, using, wording
from modelwright.__main__ import main
from modelwright.data.codecs import Columns
from modelwright.models import MLP
from modelwright.nouns import Artifact, Refused, Rows
from modelwright.serving import asking, batching
from modelwright.serving.asking import Question, Wanted
from modelwright.serving.desk import Desk, Waiting
from modelwright.serving.turning import Turned


@pytest.fixture(scope="module")
def live():
    artifacts = {"iris": served.iris(), "lengths": served.lengths(), "pictures": served.pictures(), "words": served.words()}
    artifacts["sounds"] = served.sounds()
    with served.live(artifacts) as running:
        yield running


HEAD = b"POST /predict/iris HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def iris_asked(height: int = 150) -> list[dict[str, str]]:
    return served.iris_rows(height).columns.drop("species").to_dicts()


def one_row(row: dict[str, str]) -> Question:
    return Question({name: [cell] for name, cell in row.items()}, 1)


def close(one: float, other: float) -> bool:
    """The house's tolerance across batch shapes."""
    return abs(one - other) <= 1e-6 + 2e-6 * max(abs(one), abs(other))


def same(ours: dict, theirs: dict) -> bool:
    return ours["answer"] == theirs["answer"] and close(ours["probability"], theirs["probability"])


# --- the same answers everywhere --------------------------------------------------------------------------------------------


def test_one_answer_through_predict_evaluation_and_http(live, tmp_path):
    rows = served.iris_rows()
    shelf.put(served.iris(), tmp_path / "artifact")
    file, answers = tmp_path / "rows.csv", tmp_path / "answers.jsonl"
    rows.columns.drop("species").write_csv(file)
    assert main(["predict", str(tmp_path / "artifact"), str(file), "-o", str(answers), "--quiet"]) == 0
    by_file = pl.read_ndjson(answers).to_dicts()
    artifact = served.iris()
    by_evaluation = evaluation.plain(evaluation.answer_rows(artifact.module, artifact.codec, rows)).to_dicts()
    by_csv = live.post("iris", file.read_bytes(), "text/csv").answers
    by_json = live.post("iris", {"rows": iris_asked()}).answers
    alone = [live.post("iris", row).answers[0] for row in iris_asked(20)]
    assert len(by_file) == len(by_csv) == len(by_json) == 150
    for found in (by_file, by_evaluation, by_csv, by_json):
        assert [told["row"] for told in found] == list(range(150))
        assert all(same(one, other) for one, other in zip(found, by_file))
    assert all(same(one, other) for one, other in zip(alone, by_file))
    assert len({told["answer"] for told in by_file}) > 1


@pytest.mark.parametrize("wrap", [lambda row: row, lambda row: [row], lambda row: {"rows": [row]}])
def test_a_row_a_list_and_rows_are_the_same(live, wrap):
    row = iris_asked(1)[0]
    assert live.post("iris", wrap(row)).answers == live.post("iris", [row]).answers


def test_chances_are_named_and_sum_to_one(live):
    (told,) = live.post("iris", iris_asked(1)).answers
    assert set(told["chances"]) == {"setosa", "versicolor", "virginica"}
    assert sum(told["chances"].values()) == pytest.approx(1, abs=1e-6)
    assert told["probability"] == max(told["chances"].values()) == told["chances"][told["answer"]]


@pytest.mark.parametrize(
    ("written", "cell"),
    [
        ("5", "5"), ("5.0", "5.0"), ("5e0", "5e0"), ("-0.10", "-0.10"), ('"5"', "5"), ('"00123"', "00123"), ("true", "true"),
        ("false", "false"), ("null", None), ('""', ""), ('"NaN"', "NaN"), ("[1, 2.50]", '["1", "2.50"]'),
        ("12345678901234567890", "12345678901234567890"), ('"\\u00e9"', "é"),
    ],
)  # fmt: skip
def test_every_value_is_the_text_that_a_csv_would_hold(written, cell):
    asked = asking.question(f'{{"x": {written}}}'.encode(), "application/json", Wanted(("x",)))
    assert asked == Question({"x": [cell]}, 1)


def test_numbers_are_told_apart_by_nothing_but_their_value(live):
    def told(value: object) -> dict:
        return live.post("lengths", {**iris_asked(1)[0], "petal width": value, "species": "setosa"}).answers[0]

    assert told(5) == told(5.0) == told("5") == told(" 5 ") == told("5e0")
    assert told(5) != told(6)
    assert told(None) == told("") == told("NaN") and "fault" not in told(None)  # missing = "median"
    assert told(True) == {"row": 0, "answer": None, "fault": 'petal width: "true" is not a number.'}


def test_a_fault_is_its_rows_own(live):
    rows = iris_asked(3)
    rows[1]["petal width"] = "wide"
    good, bad, last = live.post("iris", rows).answers
    assert bad == {"row": 1, "answer": None, "fault": 'petal width: "wide" is not a number.'}
    assert good["answer"] and last["answer"] and "fault" not in good
    assert same(last, live.post("iris", iris_asked(3)[2]).answers[0])


def test_a_key_that_a_row_lacks_is_a_fault_and_a_column_that_all_lack_is_refused(live):
    rows = iris_asked(2)
    del rows[1]["petal width"]
    assert live.post("iris", rows).answers[1]["fault"] == "petal width: There is no value."
    refused = live.post("iris", rows[1:])
    assert refused.status == 422
    assert 'Column "petal width" was there in training and is gone.' in refused.json["error"]


def test_texts(live):
    told = live.post("words", [{"text": "a good film"}, {"text": "bad"}, {"text": None}]).answers
    assert all(answer["answer"] in ("yes", "no") for answer in told)


def test_what_is_not_taken_in_of_a_long_text_is_said(live):
    told = live.post("words", [{"text": "good " * 200}, {"text": "good " * 201}, {"text": None}]).answers
    assert [one.get("overlong") for one in told] == [
        None, "1 text is longer than 200 words: what comes after is not read.", None
    ]  # fmt: skip
    assert told[1]["probability"] == pytest.approx(told[0]["probability"], abs=1e-5)


def test_a_picture_is_the_same_as_a_body_and_in_base64(live):
    body = live.post("pictures", served.png(40), "image/png").answers
    packed = live.post("pictures", {"picture": base64.b64encode(served.png(40)).decode()}).answers
    assert body == packed and body[0]["answer"] in ("dark", "light")


def test_a_recording_has_one_answer_over_http_in_predict_and_in_evaluation(live, tmp_path):
    files = [served.wav(300), served.wav(1500, 0.9)]
    (tmp_path / "one.wav").write_bytes(files[0])
    artifact = live.models["sounds"].artifact
    using.predict(artifact, tmp_path / "one.wav", tmp_path / "one.csv")
    (predicted,) = pl.read_csv(tmp_path / "one.csv").to_dicts()
    rows = Rows(np.arange(2), pl.DataFrame({"sound": files}))
    judged = evaluation.plain(evaluation.answer_rows(artifact.module, artifact.codec, rows)).to_dicts()
    (body,) = live.post("sounds", files[0], "audio/wav").answers
    packed = live.post("sounds", [{"sound": base64.b64encode(file).decode()} for file in files]).answers
    assert same(predicted, judged[0]) and same(body, predicted) and same(packed[0], predicted) and same(packed[1], judged[1])
    (cut,) = live.post("sounds", files[0][:90], "audio/wav").answers
    assert cut["fault"].startswith("The recording cannot be read: it is cut short: 46 of 3,200 bytes")


@pytest.mark.parametrize(
    ("model", "column", "file"), [("pictures", "picture", served.png(40)), ("sounds", "sound", served.wav(300))]
)
def test_no_request_makes_the_server_open_a_file(live, tmp_path, model, column, file):
    (tmp_path / "secret.png").write_bytes(file)
    for path in (str(tmp_path / "secret.png"), "/etc/passwd"):
        (told,) = live.post(model, {column: path}).answers
        assert told["answer"] is None
        assert str(tmp_path) not in told["fault"] and "passwd" not in told["fault"]
    assert live.post(model, f"{column}\n{tmp_path}/secret.png\n".encode(), "text/csv").status == 415


# --- what must be turned away -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"petal width": NaN}', b'{"petal width": Infinity}', b'{"petal width": -Infinity}', b'{"petal width": 1e400}',
        b'{"petal width": 00123}', b'{"a": 1, "a": 2}', b"", b"[]", b"{}", b'{"rows": []}', b"5", b'"text"', b"null", b"[1]",
        b'[{"a": 1}, 2]', b"{", b"\xff", b'{"a": "\\ud800"}', b"[" * 100_000, b'{"a":' * 100_000, b"9" * 1000, b"[{}]",
    ],
)  # fmt: skip
def test_what_is_no_row_is_unreadable(live, body):
    told = live.post("iris", body)
    assert told.status == 422
    assert told.json["error"].endswith((".", ")")) and "/" not in told.json["error"]


@pytest.mark.parametrize(
    "body",
    [b"", b"a,b\n", b"a,b\n1\n", b"a,a\n1,2\n", b'a,b\n"1,2\n', b"a,b\n\xff,1\n", b"petal width\n1\n", b"a" + b",b" * 9999],
)
def test_what_is_no_table_is_unreadable(live, body):
    assert live.post("iris", body, "text/csv").status == 422


@pytest.mark.parametrize("media", ["", "text/plain", "image/png", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_other_types_are_named(live, media):
    told = live.post("iris", b"{}", media)
    assert told.status == 415 and "application/json, text/csv" in told.json["error"]


def test_too_many_rows_or_columns(live, monkeypatch):
    monkeypatch.setattr(asking, "MOST_ROWS", 100)
    assert live.post("iris", iris_asked(101)).status == 413
    assert live.post("iris", {f"c{n}": 1 for n in range(1000)}).status == 422


def test_an_unknown_model_is_told_which_there_are(live):
    told = live.post("roses", iris_asked(1))
    assert told.status == 404 and "iris, lengths, pictures, words, sounds" in told.json["error"]


@pytest.mark.parametrize("path", ["/", "/predict", "/predict/iris/", "/predict/%2e%2e/x", "/predict/..%252f..%252fetc"])
def test_unknown_addresses_and_methods(live, path):
    for method in ("POST", "PUT", "DELETE"):
        assert live.ask(method, path, b"{}").status in (404, 405)
    assert live.ask("GET", "/predict/iris").status == 405


def test_a_page_of_somebody_elses_cannot_reach_in(live):
    """DNS rebinding: a foreign name that resolves to this machine."""
    assert live.ask("GET", "/health", headers={"Host": "evil.example"}).status == 421
    assert live.ask("GET", "/health", headers={"Host": f"localhost:{live.port}"}).status == 200


def test_a_body_of_a_gigabyte_is_turned_away_before_it_has_come(live):
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as line:
        line.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        sent, piece = 0, b" " * (1 << 20)
        try:
            while sent < 1 << 30:
                line.sendall(piece)
                sent += len(piece)
        except OSError:
            pass
        assert sent < 1 << 28, "it took it all"
    assert live.ask("GET", "/ready").status == 200


@pytest.mark.parametrize("endless", [b"X: " + b"a" * 1000 + b"\r\n", b"a" * 1000])
def test_a_head_that_does_not_end_is_cut_off(live, endless):
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as line:
        sent = 0
        with contextlib.suppress(OSError):
            line.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nY: ")
            while sent < 1 << 26:
                line.sendall(endless)
                sent += len(endless)
    assert sent < 1 << 24
    assert live.ask("GET", "/health", headers={"Y": "a" * 30_000}).status == 200


def test_a_line_is_used_again_and_again(live):
    """Heads count anew with each request."""
    line = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    headers = {"Content-Type": "application/json", "Y": "a" * 20_000}
    for _ in range(5):
        line.request("POST", "/predict/iris", json.dumps(iris_asked(1)), headers)
        assert line.getresponse().read().startswith(b'{"answers"')
    line.close()


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_too_large_is_told_so(live, announced):
    body = b" " * (asking.MOST_BYTES + 1)
    content = body if announced else iter([body[: 1 << 20]] * 17)
    told = live.ask("POST", "/predict/iris", content, {"Content-Type": "application/json"})
    assert told.status == 413 and f"{asking.MOST_BYTES:,}" in told.json["error"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["rows", "petal width", "colour", "x"]), inner),
    max_leaves=12,
)
ROWS = st.lists(st.fixed_dictionaries(dict.fromkeys(iris_asked(1)[0], VALUES)), max_size=5)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=VALUES | ROWS, model=st.sampled_from(["iris", "lengths", "pictures", "sounds", "words"]))
def test_no_json_breaks_the_server(live, value, model):
    told = live.post(model, json.dumps(value).encode())
    assert told.status in (200, 413, 422), told.body
    assert "answers" in told.json or "error" in told.json


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=300), media=st.sampled_from(["application/json", "text/csv", "image/png", "text/csv; x=y"]))
def test_no_bytes_break_the_server(live, body, media):
    for model in ("iris", "pictures"):
        told = live.post(model, body, media)
        assert told.status in (200, 413, 415, 422), told.body


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(alphabet='ab,;\n\r"\t|é0', max_size=60))
def test_no_csv_breaks_the_server(live, text):
    assert live.post("words", b"text\n" + text.encode(), "text/csv").status in (200, 422)


# --- the desk ---------------------------------------------------------------------------------------------------------------


def test_mates_in_a_batch_change_no_answer_and_get_their_own():
    artifact, module = served.held()
    rows = [*iris_asked(60), {**iris_asked(1)[0], "petal width": "1e17"}, {**iris_asked(1)[0], "colour": "unseen"}]
    plain = served.iris()
    alone = [json.loads(batching.answer(plain, [one_row(row)])[0].body)["answers"] for row in rows]
    with served.live({"iris": artifact}) as live, ThreadPoolExecutor(len(rows)) as crowd:
        asked = [crowd.submit(live.post, "iris", row) for row in rows]
        desk = live.models["iris"].desk
        wait_for(lambda: desk.seen.rows + desk.waiting == len(rows))  # one batch is held at the model, the others gather
        module.go.set()
        for own, together in zip(alone, asked):
            assert same(together.result().answers[0], own[0])
    assert sum(module.heights) == len(rows) and max(module.heights) > 20


def come_back_to_theirs(artifact: Artifact) -> None:
    """Requests of different heights, columns in another order, a fault and one without a column, in one batch."""
    rows = iris_asked(10)
    backwards = {name: [rows[9][name]] for name in reversed(rows[9])}
    odd = {**{name: [row[name] for row in rows[3:5]] for name in rows[0]}, "petal width": ["1", "?!"]}
    asked = [
        Question({name: [row[name] for row in rows[:3]] for name in rows[0]}, 3),
        Question(odd, 2),
        Question({"colour": ["red"]}, 1),
        Question(backwards, 1),
    ]
    together = batching.answer(artifact, asked)
    alone = [batching.answer(artifact, [one])[0] for one in asked]
    for one, other in zip(together, alone):
        if isinstance(other, Turned):
            assert isinstance(one, Turned) and one.sentences == other.sentences
            continue
        ours, theirs = json.loads(one.body)["answers"], json.loads(other.body)["answers"]
        assert [told["row"] for told in ours] == list(range(len(theirs)))
        for mine, its in zip(ours, theirs):
            assert mine["answer"] == its["answer"] and mine.get("fault") == its.get("fault")
            assert mine["answer"] is None or same(mine, its)
    assert isinstance(together[2], Turned) and "?!" in json.loads(together[1].body)["answers"][1]["fault"]


def test_rows_of_several_requests_come_back_to_theirs():
    come_back_to_theirs(served.iris())


class Gregarious(torch.nn.Module):
    """A planted bug: an answer depends on who else asked."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, batch):
        said = self.module(batch)["label"]
        return {"label": said - said.mean(dim=0)}


def test_answers_that_depend_on_their_mates_are_caught():
    artifact = served.iris()
    with pytest.raises(AssertionError):
        come_back_to_theirs(replace(artifact, module=Gregarious(artifact.module)))


@pytest.mark.parametrize(
    "bug",
    [
        lambda told: lambda *asked: told(*asked)[::-1],
        lambda told: lambda *asked: told(*asked)[:1] * len(asked[-1]),
        lambda told: lambda *asked: [*told(*asked)[1:], *told(*asked)[:1]],
    ],
    ids=["backwards", "the first one's for all", "one place off"],
)
def test_answers_to_the_wrong_request_are_caught(monkeypatch, bug):
    monkeypatch.setattr(batching, "_together", bug(batching._together))
    with pytest.raises((AssertionError, KeyError)):
        come_back_to_theirs(served.iris())


def test_faults_of_the_wrong_row_are_caught(monkeypatch):
    told = batching.answered
    monkeypatch.setattr(batching, "answered", lambda answers: [*told(answers)[1:], *told(answers)[:1]])
    with pytest.raises(AssertionError):
        come_back_to_theirs(served.iris())


def strictly() -> None:
    for body in (b'{"x": NaN}', b'{"x": -Infinity}', b'{"x": 1e400}', b'{"x": 1, "x": 2}', b'{"x": "\\ud800"}', b"[" * 100_000):
        with pytest.raises(Turned):
            asking.question(body, "application/json", Wanted(("x",)))


@pytest.mark.parametrize(
    ("name", "bug"),
    [("_not_json", str), ("_finite", float), ("_once", dict), ("_whole_characters", id), ("ESCAPED", b"none")],
)
def test_a_reader_that_is_not_strict_is_caught(monkeypatch, name, bug):
    strictly()
    monkeypatch.setattr(f"modelwright.vault.reading.{name}", bug)
    with pytest.raises(pytest.fail.Exception):
        strictly()


def test_what_breaks_one_breaks_no_other():
    class Brittle(torch.nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

        def forward(self, batch):
            if (batch["inputs"].abs() > 1000).any():
                raise RuntimeError("secret 12345")
            return self.module(batch)

    artifact = served.iris()
    artifact = replace(artifact, module=Brittle(artifact.module))
    good, bad = iris_asked(1)[0], {**iris_asked(1)[0], "petal width": "123456"}
    asked = [one_row(row) for row in (good, bad, good)]
    first, broken, last = batching.answer(artifact, asked)
    assert first == last and json.loads(first.body)["answers"][0]["answer"]
    assert isinstance(broken, RuntimeError)
    with served.live({"iris": artifact}) as live:
        told = live.post("iris", bad)
        assert told.status == 500 and b"secret" not in told.body and b"123456" not in told.body
        assert live.post("iris", good).status == 200


def test_an_answer_that_is_no_number_is_a_fault():
    class Lost(torch.nn.Module):
        def forward(self, batch):
            return {"label": torch.full((len(batch["row"]), 3), float("nan"))}

    artifact = replace(served.iris(), module=Lost())
    assert json.loads(batching.answer(artifact, [one_row(iris_asked(1)[0])])[0].body)["answers"] == [
        {"row": 0, "answer": None, "fault": "The model's answer is no finite number."}
    ]


def wait_for(question) -> None:
    deadline = time.monotonic() + 60
    while not question():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_full_queue_says_come_back(monkeypatch):
    artifact, module = served.held()
    with served.live({"iris": artifact}) as live, ThreadPoolExecutor(3) as crowd:
        live.models["iris"].desk.longest = 5
        first = crowd.submit(live.post, "iris", iris_asked(1))
        wait_for(lambda: live.models["iris"].desk.seen.rows == 1)
        second = crowd.submit(live.post, "iris", iris_asked(4))
        wait_for(lambda: live.models["iris"].desk.waiting == 4)
        full = live.post("iris", iris_asked(2))
        assert full.status == 503 and full.headers["retry-after"] == "1"
        assert crowd.submit(live.post, "iris", iris_asked(1)).done() is False  # the last place in the queue
        module.go.set()
        assert len(first.result().answers) == 1 and len(second.result().answers) == 4


def test_a_client_that_hangs_up_is_dropped_from_the_queue():
    artifact, module = served.held()
    with served.live({"iris": artifact}) as live, ThreadPoolExecutor(2) as crowd:
        desk = live.models["iris"].desk
        desk.batch = 1
        first = crowd.submit(live.post, "iris", iris_asked(1))
        wait_for(lambda: desk.waiting == 0 and desk.seen.rows == 1)
        lines = []
        for _ in range(3):
            body = json.dumps(iris_asked(1)).encode()
            line = socket.create_connection(("127.0.0.1", live.port))
            line.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            lines.append(line)
        wait_for(lambda: desk.waiting == 3)
        last = crowd.submit(live.post, "iris", iris_asked(2))
        wait_for(lambda: desk.waiting == 5)
        for line in lines[:2]:
            line.close()
        wait_for(lambda: desk.seen.left == 1 and desk.waiting == 4)  # the first in the queue is not watched: its turn is next
        module.go.set()
        assert len(first.result().answers) == 1 and len(last.result().answers) == 2
        lines[2].close()
        assert module.heights == [1, 1, 1, 2]


def test_half_a_request_holds_nobody_up(live):
    with socket.create_connection(("127.0.0.1", live.port)) as line:
        line.sendall(HEAD + b"Content-Length: 50\r\n\r\n{")
        assert live.ask("GET", "/ready").status == 200
    assert live.post("iris", iris_asked(1)).status == 200


def test_a_desk_that_closes_answers_what_waits():
    artifact, module = served.held()
    desk = Desk(artifact, batch=1)

    async def told():
        loop = asyncio.get_running_loop()
        waiting = [Waiting(one_row(row), loop.create_future()) for row in iris_asked(3)]
        for one in waiting:
            desk.put(one)
        module.go.set()
        await asyncio.to_thread(desk.close)
        with pytest.raises(Turned):
            desk.put(waiting[0])
        return await asyncio.gather(*(one.reply for one in waiting))

    assert [json.loads(reply.body)["answers"][0]["row"] for reply in asyncio.run(told())] == [0, 0, 0]


# --- keys -------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_config(tmp_path, monkeypatch):
    monkeypatch.setenv("MODELWRIGHT_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


ROUTES = [
    ("GET", "/"), ("GET", "/health"), ("GET", "/ready"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/docs"),
    ("POST", "/predict/iris"), ("POST", "/predict/roses"), ("GET", "/predict/iris"), ("GET", "/nope"),
    ("POST", "/explain/iris"),
    ("OPTIONS", "/predict/iris"), ("GET", "/predict/..%2f..%2fhealth"), ("GET", "//health"), ("GET", "/HEALTH"),
]  # fmt: skip


def roles(key: str, dropped: str) -> dict[str, dict[str, str]]:
    """Headers of everybody who might come, the client first."""
    packed = base64.b64encode(f":{key}".encode()).decode()
    return {
        "client": {"Authorization": f"Bearer {key}"},
        "browser": {"Authorization": f"Basic {packed}"},
        "nobody": {},
        "empty": {"Authorization": "Bearer "},
        "guesser": {"Authorization": "Bearer mw_" + "A" * 43},
        "half": {"Authorization": f"Bearer {key[:-1]}"},
        "digest": {"Authorization": f"Bearer {hashlib.sha256(key.encode()).hexdigest()}"},
        "dropped": {"Authorization": f"Bearer {dropped}"},
        "other scheme": {"Authorization": f"Digest {key}"},
        "no base64": {"Authorization": "Basic ???"},
        "elsewhere": {"X-Api-Key": key, "Cookie": f"key={key}"},
    }


def test_every_route_asks_every_role_for_its_key(own_config):
    key, dropped = serving.clients.add("her"), serving.clients.add("him")
    with served.live({"iris": served.iris()}, keys=True) as live:
        body = json.dumps(iris_asked(1)).encode()
        assert live.ask("GET", "/health", headers={"Authorization": f"Bearer {dropped}"}).status == 200
        serving.clients.drop("him")
        for method, path in ROUTES:
            for role, headers in roles(key, dropped).items():
                told = live.ask(method, path, body, {"Content-Type": "application/json", **headers})
                if role in ("client", "browser"):
                    assert told.status != 401, (method, path, role)
                else:
                    assert told.status == 401, (method, path, role, told.body)
                    assert told.headers["www-authenticate"].startswith("Basic") and key not in told.body.decode()
        two = f"Authorization: Bearer no\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", live.port)) as line:
            line.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + two.encode())
            assert b" 401 " in line.recv(100)


def test_a_new_client_is_let_in_at_once(own_config):
    serving.clients.add("first")
    with served.live({"iris": served.iris()}, keys=True) as live:
        assert live.ask("GET", "/health").status == 401
        key = serving.clients.add("second")
        assert live.ask("GET", "/health", headers={"Authorization": f"Bearer {key}"}).status == 200


def test_a_key_is_shown_once_and_never_kept(own_config, capsys):
    assert main(["--lang", "en", "keys", "--json", "add-client", "her"]) == 0
    key = json.loads(capsys.readouterr().out)["key"]
    assert len(base64.urlsafe_b64decode(key.removeprefix("mw_") + "=")) == 32
    kept = b"".join(file.read_bytes() for file in own_config.rglob("*") if file.is_file())
    assert key.encode() not in kept and hashlib.sha256(key.encode()).hexdigest().encode() in kept
    if sys.platform != "win32":
        assert (own_config / "clients" / "her").stat().st_mode & 0o777 == 0o600
    assert main(["keys", "add-client", "her"]) == 2  # whoever has the key keeps it
    assert serving.clients.Clients().named(key) == "her"
    assert main(["keys", "add-client", "../her"]) == 2 and main(["keys", "drop-client", "nobody"]) == 2
    capsys.readouterr()
    assert main(["keys", "--json", "list-clients"]) == 0 and json.loads(capsys.readouterr().out) == {"clients": ["her"]}
    assert main(["keys", "drop-client", "her"]) == 0
    assert serving.clients.names() == () and serving.clients.Clients().named(key) is None


def test_a_key_opens_other_addresses(own_config):
    serving.clients.add("her")
    with serving.take(serving.Place("0.0.0.0", 0)).listening as line:
        assert line.getsockname()[0] == "0.0.0.0"


def test_nothing_is_logged_that_was_sent(own_config, caplog):
    import logging

    class Broken(torch.nn.Module):
        def forward(self, batch):
            raise RuntimeError(f"secret row {batch['inputs']}")

    key = serving.clients.add("her")
    caplog.set_level(logging.DEBUG)
    artifact = replace(served.iris(), module=Broken())
    with served.live({"iris": artifact}, keys=True) as live:
        row = {**iris_asked(1)[0], "petal width": "98765.4321"}
        body = json.dumps(row).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        assert live.ask("POST", "/predict/iris", body, headers).status == 500
    ours = [record for record in caplog.records if record.levelno > logging.INFO]
    assert [record.name for record in ours] == ["modelwright"] and "RuntimeError in forward" in caplog.text
    assert "98765" not in caplog.text and "secret" not in caplog.text and key not in caplog.text


# --- metrics ----------------------------------------------------------------------------------------------------------------


def test_the_meters_count_what_happened():
    from prometheus_client.parser import text_string_to_metric_families

    with served.live({"iris": served.iris(), "words": served.words()}) as live:
        for _ in range(3):
            live.post("iris", [*iris_asked(4), {"petal width": "?!"}])
        live.post("words", {"text": "good"})
        live.post("iris", b"{")
        live.post("secret-name", b"{}")
        live.ask("GET", "/nope")
        text = live.ask("GET", "/metrics").body.decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            told = sample.labels
            found[(sample.name, *(told[name] for name in ("route", "model", "status") if name in told))] = sample.value
    assert found["modelwright_rows_total", "iris"] == 15 and found["modelwright_rows_total", "words"] == 1
    assert found["modelwright_faulty_rows_total", "iris"] == 3 and found["modelwright_batches_total", "iris"] == 3
    assert found["modelwright_waiting_rows", "iris"] == 0 and found["modelwright_hung_up_total", "iris"] == 0
    assert found["modelwright_requests_total", "predict", "iris", "200"] == 3
    assert found["modelwright_requests_total", "predict", "words", "200"] == 1
    assert found["modelwright_requests_total", "predict", "iris", "422"] == 1
    assert found["modelwright_requests_total", "predict", "", "404"] == 1
    assert found["modelwright_requests_total", "", "", "404"] == 1
    assert found["modelwright_request_seconds_count", "predict"] == 6
    assert "secret-name" not in text and "nope" not in text


# --- explanations -----------------------------------------------------------------------------------------------------------


def test_the_first_row_is_explained_beside_the_others(live):
    told = live.explain("iris", iris_asked(30)).json
    (answer,) = live.post("iris", iris_asked(1)).answers
    assert told["answer"] == answer["answer"] and close(told["said"], answer["probability"])
    assert [value["feature"] for value in told["values"]] == list(iris_asked(1)[0])
    assert sum(value["value"] for value in told["values"]) == pytest.approx(told["said"] - told["without"], abs=1e-4)


def test_what_cannot_be_explained_says_why(live):
    told = live.explain("iris", {**iris_asked(1)[0], "petal width": "?!"})
    assert told.status == 422 and '"?!" is not a number.' in told.json["error"]
    assert live.explain("iris", b"[").status == 422 and live.explain("roses", b"{}").status == 404


def test_pictures_sounds_and_texts_are_explained(live):
    for model, body, media in (("pictures", served.png(40), "image/png"), ("sounds", served.wav(300), "audio/wav")):
        told = live.explain(model, body, media)
        assert told.status == 200 and told.json["values"], told.body
    assert live.explain("words", {"text": "a good film"}).json["values"]


# --- the pages --------------------------------------------------------------------------------------------------------------


def test_the_openapi_text_names_every_address_and_no_other(live):
    told = live.ask("GET", "/openapi.json").json
    assert told["openapi"].startswith("3.1") and "security" not in told
    assert set(told["paths"]) == {
        *(f"/{verb}/{name}" for name in live.models for verb in ("predict", "explain")),
        "/health", "/ready", "/metrics", "/openapi.json", "/docs", "/",
    }  # fmt: skip
    for path, methods in told["paths"].items():
        for method, about in methods.items():
            status = live.ask(method.upper(), path, b"", {"Content-Type": "application/json"}).status
            assert str(status) in about["responses"], (path, status)
    body = told["paths"]["/predict/iris"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["anyOf"][0] == {"$ref": "#/components/schemas/iris.row"}
    row = told["components"]["schemas"]["iris.row"]
    assert list(row["properties"]) == list(iris_asked(1)[0])
    assert live.post("iris", row["example"]).answers[0]["answer"] in ("setosa", "versicolor", "virginica")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_ask_nobody_else(live, path):
    told = live.ask("GET", path)
    text = told.body.decode()
    assert told.status == 200 and told.headers["content-type"].startswith("text/html")
    outside = [found for found in re.findall(r"""(?:https?:)?//[^\s"'<]+""", text) if f"127.0.0.1:{live.port}" not in found]
    assert [found for found in outside if not found.startswith("// ")] == []
    policy = told.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "*" not in policy
    for tag, word in (("style", "style-src"), ("script", "script-src")):
        for inner in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
            assert f"{word} 'sha256-{digest}'" in policy  # or a browser would not run it
    assert " style=" not in text and " on" + "click" not in text


def test_the_page_speaks_as_its_reader_does(live):
    assert 'lang="zh-CN"' in live.ask("GET", "/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).body.decode()
    assert 'lang="en"' in live.ask("GET", "/", headers={"Accept-Language": "en-GB,en;q=0.9"}).body.decode()
    assert live.post("iris", b"[]").json["error"] == "The request has no rows."


def test_who_asks_is_answered_in_his_language_whoever_else_asks(live):
    """Refusals at the gate, in the reader and in the codec, and a row's own fault; two languages in one batch."""
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
    row = {**iris_asked(1)[0], "petal width": "wide"}
    assert replace(live, headers=chinese).post("iris", row).answers[0]["fault"] == "petal width: “wide”不是数字。"
    assert live.post("iris", row).answers[0]["fault"] == 'petal width: "wide" is not a number.'
    for asked in (b"[]", b'{"petal width": 1}', b"{"):
        here, there = (one.post("iris", asked) for one in (live, replace(live, headers=chinese)))
        assert here.status == there.status == 422
        assert re.search("[\u4e00-\u9fff]", there.json["error"]) and not re.search("[\u4e00-\u9fff]", here.json["error"])
    assert re.search("[\u4e00-\u9fff]", live.ask("GET", "/nothing", headers=chinese).json["error"])
    ours, theirs = (replace(one_row(row), language=language) for language in ("en", "zh_CN"))
    told = [json.loads(reply.body)["answers"][0]["fault"] for reply in batching.answer(served.iris(), [ours, theirs, ours])]
    assert told == ['petal width: "wide" is not a number.', "petal width: “wide”不是数字。", told[0]]
    assert wording.spoken() == "en"


def test_what_a_column_is_called_is_never_markup():
    frame = served.iris_rows().columns.rename({"colour": '"><script>alert(1)</script>'})
    artifact = served.made(Columns("species"), MLP((4,)), Rows(np.arange(150), frame))
    with served.live({"odd": artifact}) as live:
        for path in ("/", "/docs"):
            assert "<script>alert" not in live.ask("GET", path).body.decode()


# --- the command ------------------------------------------------------------------------------------------------------------


def test_names():
    found = serving.named(["runs/digits/artifact", "price=runs/mine/artifact", "somewhere/else"])
    assert list(found) == ["digits", "price", "else"]
    for wrong in (["a/x/artifact", "b/x/artifact"], ["runs/schön/artifact"], ["x=1", "x=2"], ["房价=runs/x"]):
        with pytest.raises(Refused):
            serving.named(wrong)
    with pytest.raises(Refused, match=r"^房价 cannot be[^\n]*\n[^\n]*NAME=runs/x$"):
        serving.named(["房价=runs/x"])


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.com"])
def test_only_this_machine_without_keys(host):
    with pytest.raises(Refused, match="nobody has one yet"):
        serving.take(serving.Place(host, 0))


def test_a_port_that_is_taken_is_a_sentence():
    taken = serving.take(serving.Place(port=0))
    port = taken.listening.getsockname()[1]
    with taken.listening, pytest.raises(Refused, match="--port 0"):
        serving.take(serving.Place(port=port))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGTERM to be polite with")
def test_sigterm_finishes_what_is_in_flight(tmp_path):
    shelf.put(served.iris(), tmp_path / "iris" / "artifact")
    words = [sys.executable, "-m", "modelwright", "--lang", "en", "serve", str(tmp_path / "iris" / "artifact"), "--port", "0"]
    body = json.dumps(iris_asked(1)).encode()
    with subprocess.Popen([*words, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        told = json.loads(process.stdout.readline())
        assert told["models"] == ["iris"] and told["address"].startswith("http://127.0.0.1:")
        line = http.client.HTTPConnection(told["address"].removeprefix("http://"), timeout=30)
        line.putrequest("POST", "/predict/iris")
        line.putheader("Content-Type", "application/json")
        line.putheader("Content-Length", str(len(body)))
        line.endheaders(body[:10])
        wait_for(lambda: served.Live(int(told["address"].rpartition(":")[2]), {}).ask("GET", "/ready").status == 200)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        line.send(body[10:])
        answer = line.getresponse()
        assert answer.status == 200 and json.loads(answer.read())["answers"][0]["answer"]
        line.close()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and out == "" and err == "", err
