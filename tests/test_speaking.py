"""Texts over HTTP: what /generate says is what generate says, whole or in pieces, in whatever company; what is turned away."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from modelwright import generating
from modelwright.generating import Keeping, Voice
from modelwright.machine import tuned
from modelwright.models.sampling import Sampling
from modelwright.nouns import Tuning
from modelwright.serving import speaker
from modelwright.serving.prompting import Order
from modelwright.serving.turning import Turned
from served import Live, Told, iris, live, rhymes

PROMPTS = ("one", "three four knock at", "f", "two buckle", "pick up sticks, five", "door", "shoe my", "at the do", "six")


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    with tuned(Tuning(threads=1)), live({"rhymes": rhymes(), "iris": iris()}) as started:
        yield started


def asked(server: Live, **wish: Any) -> Told:
    return server.post("rhymes", wish, verb="generate")


def alone(server: Live, prompt: str, keeping: Keeping = Keeping(), **how: Any) -> str:  # noqa: B008
    artifact = server.house.speaking["rhymes"].artifact
    return "".join(generating.generate(artifact, generating.begin(artifact, prompt), Sampling(**how), keeping))


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """As the standard says: a blank line ends each."""
    found = [block.split("\n") for block in body.decode().split("\n\n") if block]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in found]


# --- what is said ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"temperature": 0.9, "seed": 7}, {"temperature": 1.2, "top_k": 5}, {"beams": 3}])
def test_an_answer_is_the_one_of_generate(how, server):
    told = asked(server, prompt="one two", tokens=40, **how)
    assert told.status == 200
    assert told.json["text"] == alone(server, "one two", most=40, **how)
    assert told.json["tokens"] <= 40 and told.json["prompt_tokens"] == 8 and told.json["whole"] is True
    assert told.json["ended"] == ("tokens" if told.json["tokens"] == 40 else "end")


@pytest.mark.parametrize("how", [{}, {"temperature": 0.9, "seed": 3}, {"beams": 2}, {"stop": ["e"]}])
def test_pieces_are_the_whole_answer(how, server):
    whole = asked(server, prompt="three", tokens=30, **how).json
    told = asked(server, prompt="three", tokens=30, stream=True, **how)
    assert told.headers["content-type"].startswith("text/event-stream")
    *pieces, (last, facts) = events(told.body)
    assert {name for name, _ in pieces} <= {"piece"} and last == "end"
    assert "".join(piece["text"] for _, piece in pieces) == whole.pop("text")
    assert facts == whole


def test_an_answer_ends_before_a_stop_word_and_says_so(server):
    free = alone(server, "one", most=60, temperature=1.0)
    stop = free[20:22]
    told = asked(server, prompt="one", tokens=60, temperature=1.0, stop=[stop]).json
    assert told["text"] == free[: free.index(stop)] and told["ended"] == "stop"


def test_who_asks_together_is_answered_as_alone(server):
    """Of unequal length, drawn and not, more than are said side by side."""
    wishes = [
        {"prompt": prompt, "tokens": 10 + 7 * place, "seed": place, **({"temperature": 0.8} if place % 3 else {})}
        for place, prompt in enumerate(PROMPTS * 3)
    ]
    with ThreadPoolExecutor(len(wishes)) as clients:
        found = list(clients.map(lambda wish: asked(server, **wish).json["text"], wishes))
    for wish, text in zip(wishes, found, strict=True):
        how = {"most": wish["tokens"], "seed": wish["seed"], "temperature": wish.get("temperature", 0.0)}
        assert text == alone(server, wish["prompt"], **how), wish


def test_a_form_is_kept_and_one_that_was_cut_is_said(server):
    told = asked(server, prompt="one ", pattern="(two|six) (e|o){3}", tokens=30).json
    assert re.fullmatch("(two|six) (e|o){3}", told["text"]) and told["whole"] and told["ended"] == "end"
    short = asked(server, prompt="one ", pattern="(two|six) (e|o){3}", tokens=2).json
    assert not short["whole"] and len(short["notes"]) == 1 and short["ended"] == "tokens"
    unknown = asked(server, prompt="o", pattern='"(one|two)"')  # no training row had such a mark
    assert unknown.status == 422 and "unknown to the model" in unknown.json["error"]


def test_what_of_a_prompt_is_not_read_is_noted(server):
    told = asked(server, prompt="one" * 30 + "%", tokens=3).json
    assert told["prompt_tokens"] < 91 and len(told["notes"]) == 2


# --- who hangs up, who waits --------------------------------------------------------------------------------------------


def soon(true: Any, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


@pytest.mark.parametrize("stream", [True, False])
def test_for_a_client_that_hangs_up_nothing_more_is_said(stream, server):
    seen = server.house.speaking["rhymes"].speaker.seen
    before, said = seen.left, seen.tokens
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    wish = json.dumps({"prompt": "one", "tokens": 4096, "stream": stream})
    connection.request("POST", "/generate/rhymes", wish, {"Content-Type": "application/json"})
    if stream:
        assert connection.getresponse().read(10)
    else:
        time.sleep(0.2)
    connection.sock.close() if connection.sock else None
    connection.close()
    assert soon(lambda: seen.left == before + 1)
    assert asked(server, prompt="two", tokens=5).status == 200
    assert seen.tokens - said < 4096


def order(server: Live, **how: Any) -> Order:
    artifact = server.house.speaking["rhymes"].artifact
    return Order(Voice(generating.begin(artifact, "one"), Sampling(**how), Keeping()), False)


def test_a_full_queue_turns_the_next_away_and_what_waits_is_said(server):
    async def several() -> tuple[int, int]:
        own = speaker.Speaker(server.house.speaking["rhymes"].artifact, batch=1, longest=2)
        listening = [speaker.Listening(order(server, most=300, temperature=1.0)) for _ in range(12)]
        turned = 0
        for one in listening:
            try:
                own.put(one)
            except Turned:
                turned += 1
        await asyncio.to_thread(own.close)
        await asyncio.sleep(0)
        return turned, sum(one.order.voice.said is not None for one in listening)

    turned, said = asyncio.run(several())
    assert turned >= 9 and turned + said == 12


def test_what_breaks_one_answer_breaks_no_other(server):
    """A pattern that cannot be is asked beside prompts that can."""
    wishes = [{"prompt": "one", "tokens": 50}, {"prompt": "two", "tokens": 50, "pattern": "(?<=x)y"}] * 4
    with ThreadPoolExecutor(8) as clients:
        found = list(clients.map(lambda wish: asked(server, **wish), wishes))
    assert [told.status for told in found] == [200, 422] * 4


# --- what is turned away -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"", 422, "JSON"),
        (b"[1]", 422, "object"),
        (b'{"prompt": "a", "temperature": NaN}', 422, "NaN"),
        (b'{"prompt": "a", "temperature": 1e400}', 422, "1e400"),
        (b'{"prompt": "a", "prompt": "b"}', 422, "prompt"),
        (b"[" * 100_000, 422, ""),
        ({}, 422, "prompt"),
        ({"prompt": "a", "messages": [{"role": "user", "content": "b"}]}, 422, "one of the two"),
        ({"messages": [{"role": "user", "content": "b"}]}, 422, "template"),
        ({"messages": [{"role": "user"}]}, 422, "content"),
        ({"prompt": 3}, 422, "prompt"),
        ({"prompt": "a", "tokens": 0}, 422, "tokens"),
        ({"prompt": "a", "tokens": 5000}, 422, "tokens"),
        ({"prompt": "a", "tokens": 1.5}, 422, "tokens"),
        ({"prompt": "a", "temperature": -1}, 422, "temperature"),
        ({"prompt": "a", "top_p": 1.5}, 422, "top_p"),
        ({"prompt": "a", "temperatur": 1}, 422, "temperature"),
        ({"prompt": "a", "stop": [""]}, 422, "stop"),
        ({"prompt": "a", "stop": ["x"] * 17}, 422, "17"),
        ({"prompt": "a", "beams": 99}, 422, "beams"),
        ({"prompt": "a", "schema": "x"}, 422, "schema"),
        ({"prompt": "a", "schema": {"type": "nothing"}}, 422, ""),
        ({"prompt": "a", "schema": {}, "pattern": "x"}, 422, "one of the two"),
        ({"prompt": "a", "pattern": "("}, 422, ""),
    ],
)
def test_what_cannot_be_asked_is_turned_away_with_a_sentence(body, status, word, server):
    told = server.post("rhymes", body, verb="generate")
    assert told.status == status, told.body
    assert word in told.json["error"] and told.json["error"].strip()


def test_each_verb_names_the_other(server):
    told = server.post("rhymes", {"text": "a"})
    assert told.status == 404 and "/generate/rhymes" in told.json["error"]
    told = server.post("iris", {"prompt": "a"}, verb="generate")
    assert told.status == 404 and "/predict/iris" in told.json["error"]
    assert server.post("nobody", {"prompt": "a"}, verb="generate").status == 404
    assert server.post("rhymes", b"prompt", "text/plain", "generate").status == 415


def test_keys_hold_for_it(tmp_path, monkeypatch):
    from modelwright.serving import clients

    monkeypatch.setenv("MODELWRIGHT_CONFIG", str(tmp_path))
    key = clients.add("ann")
    with live({"rhymes": rhymes()}, keys=True) as started:
        assert asked(started, prompt="one").status == 401
        started.headers["Authorization"] = f"Bearer {key}"
        assert asked(started, prompt="one", tokens=2).status == 200


# --- what is told of it --------------------------------------------------------------------------------------------------


def test_meters_count_what_was_said(server):
    def tokens() -> float:
        line = re.search(r'modelwright_tokens_total\{model="rhymes"\} (\S+)', server.ask("GET", "/metrics").body.decode())
        assert line
        return float(line[1])

    before = tokens()
    said = asked(server, prompt="five", tokens=9).json["tokens"]
    assert tokens() == before + said


def test_the_openapi_text_and_the_page_name_what_can_be_asked(server):
    told = server.ask("GET", "/openapi.json").json
    wish = told["paths"]["/generate/rhymes"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert {"prompt", "messages", "stream", "tokens", "temperature", "stop", "schema", "pattern"} <= wish["properties"].keys()
    assert "/predict/rhymes" not in told["paths"] and "$ref" not in json.dumps(wish)
    page = server.ask("GET", "/").body.decode()
    assert 'data-speaks="rhymes"' in page and 'data-model="iris"' in page and "/generate/rhymes" in page
    assert server.ask("GET", "/ready").json["models"] == {"rhymes": True, "iris": True}


# --- bugs that must be found ---------------------------------------------------------------------------------------------


def test_voices_that_are_chosen_unlike_would_be_caught_side_by_side(server, monkeypatch):
    monkeypatch.setattr(Voice, "beside", lambda self, other: True)
    with pytest.raises(AssertionError):
        for _ in range(5):
            test_who_asks_together_is_answered_as_alone(server)


def test_an_end_that_is_shown_before_its_stop_word_is_known_would_be_caught(server, monkeypatch):
    from modelwright.generating.saying import Saying

    monkeypatch.setattr("modelwright.generating.saying._begun", lambda text, stop: 0)
    monkeypatch.setattr(Saying, "_hear", lambda self, text: setattr(self, "_held", self._held + text))
    with pytest.raises(AssertionError):
        test_an_answer_ends_before_a_stop_word_and_says_so(server)
