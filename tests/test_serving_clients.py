"""Clients that are slow, deaf, endless or gone; many models at once; and the end, while somebody still listens."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import served
from modelwright import shelf
from modelwright.data.codecs import Columns
from modelwright.models import MLP
from modelwright.serving import heads, receiving

HEAD = b"POST /predict/iris HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ROWS = served.iris_rows().columns.drop("species").to_dicts()


@pytest.fixture(scope="module")
def live():
    with served.live({"iris": served.iris(), "rhymes": served.rhymes()}) as running:
        yield running


def opened(live: served.Live) -> socket.socket:
    return socket.create_connection(("127.0.0.1", live.port), timeout=20)


def closed_by_the_server(line: socket.socket, drip: bytes = b"", seconds: float = 10.0) -> bool:
    """Whether the line ends in this time, while bytes still drip into it."""
    line.settimeout(0.05)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if drip:
                line.sendall(drip)
            if not line.recv(1 << 16):
                return True
        except TimeoutError:
            pass
        except OSError:
            return True
    return False


# --- slow -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [b"", b"G", HEAD, HEAD + b"X: "])
def test_a_head_that_drips_is_cut_off(live, monkeypatch, begun):
    monkeypatch.setattr(heads, "PATIENCE", 0.3)
    with opened(live) as line:
        line.sendall(begun)
        assert closed_by_the_server(line, b"a" if begun else b"")
    assert live.ask("GET", "/health").status == 200


def test_a_line_may_rest_between_two_requests_and_an_answer_may_take_its_time(live, monkeypatch):
    monkeypatch.setattr(heads, "PATIENCE", 0.3)
    line = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    for _ in range(2):
        line.request("POST", "/predict/iris", json.dumps(ROWS[:2]), {"Content-Type": "application/json"})
        assert len(json.loads(line.getresponse().read())["answers"]) == 2
        time.sleep(0.6)
    line.close()
    with opened(live) as line:
        line.sendall(HEAD + b"Content-Length: 2\r\n\r\n[")
        time.sleep(0.6)  # a body has a longer time of its own
        line.sendall(b"]")
        assert b" 422 " in line.recv(1 << 16)


def test_a_body_that_does_not_come_in_time_is_told_so(live, monkeypatch):
    monkeypatch.setattr(receiving, "PATIENCE", 0.3)
    with opened(live) as line:
        line.sendall(HEAD + b"Content-Length: 50\r\n\r\n{")
        told = line.recv(1 << 16)
        assert told.startswith(b"HTTP/1.1 408 ") and b"did not come in time" in told and b"connection: close" in told.lower()
        assert closed_by_the_server(line)


def test_who_was_turned_away_cannot_hold_the_line_with_his_body(live, monkeypatch):
    monkeypatch.setattr(heads, "PATIENCE", 0.3)
    with opened(live) as line:
        line.sendall(b"POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        assert b" 404 " in line.recv(1 << 16)
        assert closed_by_the_server(line, b" ")


# --- endless ----------------------------------------------------------------------------------------------------------------

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("begun", "endless"),
    [
        (CHUNKED + b"2\r\n[]\r\n0\r\n", b"X: " + b"a" * 1000 + b"\r\n"), (CHUNKED + b"2\r\n[]\r\n0\r\nX: ", b"a" * 1000),
        (CHUNKED + b"2;", b"a" * 1000),
    ],
    ids=["trailers", "a trailer", "the size of a chunk"],
)  # fmt: skip
def test_what_stands_beside_a_body_and_does_not_end_is_cut_off(live, begun, endless):
    sent = 0
    with opened(live) as line, contextlib.suppress(OSError):
        line.sendall(begun)
        while sent < 1 << 26:
            line.sendall(endless)
            sent += len(endless)
    assert sent < 1 << 24


def test_a_body_in_chunks_of_a_byte_is_read(live):
    body = json.dumps(ROWS).encode()
    with opened(live) as line:
        line.sendall(CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\nX: trailer\r\n\r\n")
        told = b""
        while b"\r\n\r\n" not in told or not told.endswith(b"]}"):
            told += line.recv(1 << 16)
    assert len(json.loads(told.partition(b"\r\n\r\n")[2])["answers"]) == len(ROWS)


# --- deaf -------------------------------------------------------------------------------------------------------------------

PAGES = 30
"""Pages asked for at once: more than a line with small buffers holds."""


@pytest.fixture
def narrow(monkeypatch):
    """Lines whose buffers are small, and little patience with whoever does not read."""
    made = heads.Heads.connection_made

    def made_narrow(self, transport):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 14)
        made(self, transport)

    monkeypatch.setattr(heads.Heads, "connection_made", made_narrow)
    monkeypatch.setattr(heads, "DEAF", 0.5)


def asked_for(live: served.Live) -> tuple[socket.socket, int]:
    """A line on which many pages are asked for and none is read, and the bytes that would come."""
    page = len(live.ask("GET", "/docs").body)
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
    line.connect(("127.0.0.1", live.port))
    line.sendall(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n" * PAGES)
    return line, page * PAGES


def taken(line: socket.socket, whole: int, wait: float = 0.0) -> int:
    """Bytes until the line ends, or all have come."""
    line.settimeout(5)
    count = 0
    with contextlib.suppress(OSError):
        while count < whole and (got := len(line.recv(1 << 14))):
            count += got
            time.sleep(wait)
    return count


def test_a_client_that_does_not_read_is_cut_off(live, narrow):
    line, whole = asked_for(live)
    with line:
        time.sleep(2)
        assert taken(line, whole) < whole
    assert live.ask("GET", "/health").status == 200


def test_a_client_that_reads_slowly_gets_all_of_it(live, narrow):
    line, whole = asked_for(live)
    with line:
        assert taken(line, whole, 0.03) >= whole


# --- gone -------------------------------------------------------------------------------------------------------------------


def test_who_hangs_up_while_his_batch_is_answered_takes_nothing_from_his_mates():
    artifact, module = served.held()
    with served.live({"iris": artifact}) as live, ThreadPoolExecutor(4) as crowd:
        desk = live.models["iris"].desk
        first = crowd.submit(live.post, "iris", ROWS[:1])
        soon(lambda: desk.seen.rows == 1 and desk.waiting == 0)
        mates = [crowd.submit(live.post, "iris", ROWS[place : place + 2]) for place in (2, 4)]
        body = json.dumps(ROWS[:3]).encode()
        gone = opened(live)
        gone.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        soon(lambda: desk.waiting == 7)
        module.go.set()
        gone.close()
        answers = [first.result().answers, *(mate.result().answers for mate in mates)]
        assert [len(some) for some in answers] == [1, 2, 2]
        module.go.wait()
        right = [live.post("iris", ROWS[start:stop]).answers for start, stop in ((0, 1), (2, 4), (4, 6))]
        assert [[told["answer"] for told in some] for some in answers] == [[told["answer"] for told in some] for some in right]
        assert desk.waiting == 0 and live.ask("GET", "/ready").status == 200


def soon(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


# --- many, changed, ended ---------------------------------------------------------------------------------------------------


def test_many_models_at_once_answer_each_for_itself():
    made = {f"m{seed}": served.made(Columns("species"), MLP((16,)), served.iris_rows(), seed) for seed in range(8)}
    with served.live({**made, "rhymes": served.rhymes()}) as live, ThreadPoolExecutor(16) as crowd:
        alone = {name: live.post(name, ROWS[:5]).answers for name in made}
        assert len({json.dumps(told) for told in alone.values()}) == len(made)
        said = crowd.submit(live.post, "rhymes", {"prompt": "one", "tokens": 20}, verb="generate")
        asked = [(name, crowd.submit(live.post, name, ROWS[:5])) for _ in range(10) for name in made]
        for name, told in asked:
            assert [one["answer"] for one in told.result().answers] == [one["answer"] for one in alone[name]], name
        assert said.result().json["tokens"] <= 20


def test_a_model_answers_as_it_was_taken_whatever_becomes_of_its_folder(tmp_path):
    shelf.put(served.iris(), tmp_path / "artifact")
    with served.live({"iris": shelf.take(tmp_path / "artifact")}) as live:
        before = live.post("iris", ROWS).answers
        shutil.rmtree(tmp_path / "artifact")
        shelf.put(served.made(Columns("species"), MLP((16,)), served.iris_rows(), seed=7), tmp_path / "artifact")
        assert live.post("iris", ROWS).answers == before


def test_an_end_lets_an_answer_be_said_to_its_end():
    with served.live({"rhymes": served.rhymes()}) as live:
        line = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
        wish = {"prompt": "one", "tokens": 400, "stream": True}
        line.request("POST", "/generate/rhymes", json.dumps(wish), {"Content-Type": "application/json"})
        told = line.getresponse()
        first = told.readline()
        live.end()
        rest = told.read().decode()
        assert first == b"event: piece\n" and "event: end\n" in rest
        assert json.loads(rest.rpartition("data: ")[2])["tokens"] == 400
        line.close()
        soon(lambda: refused(live))


def refused(live: served.Live) -> bool:
    try:
        opened(live).close()
    except OSError:
        return True
    return False
