"""docs/serving.md is run: every curl of the page is sent to a server, and answers have the shape that it shows."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import served
from modelwright.serving import asking, desk, heads, prompting, receiving, running, speaker

PAGE = (Path(__file__).parent.parent / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(json)?\n(.*?)```", PAGE, re.DOTALL)


def told_after() -> list[tuple[list[str], str]]:
    """Each curl, as a shell parts it, and what the page shows beneath it."""
    found: list[tuple[list[str], str]] = []
    for place, (_, text) in enumerate(BLOCKS):
        lines = [line for line in text.splitlines() if line.startswith("curl ")]
        after = BLOCKS[place + 1][1] if place + 1 < len(BLOCKS) else ""
        shown = after if len(lines) == 1 and "curl" not in after and "modelwright" not in text else ""
        found += [(shlex.split(line), shown) for line in lines]
    return found


CURLS = told_after()


@pytest.fixture(scope="module")
def live():
    artifacts = {"iris": served.iris(), "digits": served.pictures(), "names": served.names(), "likes": served.likes()}
    with served.live({**artifacts, "rhymes": served.rhymes()}) as running:
        yield running


def sent(live: served.Live, words: list[str]) -> served.Told:
    files = {"@rows.csv": served.iris_rows(9).columns.drop("species").write_csv().encode(), "@seven.png": served.png(40)}
    (address,) = (word for word in words if word.startswith("http://127.0.0.1:8080/"))
    after = dict(pairwise(words))
    headers = dict(value.split(": ") for flag, value in pairwise(words) if flag == "-H")
    body = after.get("-d", after.get("--data-binary"))
    content = files.get(body, body.encode()) if body else None
    return live.ask("POST" if body else "GET", address.removeprefix("http://127.0.0.1:8080"), content, headers)


@pytest.mark.parametrize("place", range(len(CURLS)))
def test_every_curl_is_answered(live, place):
    words, shown = CURLS[place]
    told = sent(live, words)
    assert told.status == 200, told.body
    if told.headers["content-type"].startswith("text/event-stream"):
        ours, theirs = (re.findall(r"^event: (\w+)\ndata: (.*)$", text, re.MULTILINE) for text in (told.body.decode(), shown))
        assert [name for name, _ in theirs] == ["piece", "end"] and [ours[0][0], ours[-1][0]] == ["piece", "end"]
        assert all(alike(json.loads(one), json.loads(other)) for (_, one), (_, other) in zip((ours[0], ours[-1]), theirs))
    elif told.headers["content-type"].startswith("text/csv"):
        assert told.body.decode().splitlines()[0] == shown.splitlines()[0]
    elif shown:
        assert alike(told.json, json.loads(shown)), told.json
    else:
        assert told.json.get("answers") or told.json.get("values") or told.json.get("status")


def alike(one: Any, other: Any) -> bool:
    """The same names and kinds; of lists the first, where both have one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return all(alike(*firsts) for firsts in zip(one[:1], other))
    return type(one) is type(other)


def test_another_shape_would_be_seen(live):
    told = live.post("names", {"words": ["Rome"]}).json
    assert alike(told, json.loads(CURLS[3][1])) and not alike(told, json.loads(CURLS[0][1]))


def test_the_page_has_them_all(live):
    told = live.ask("GET", "/openapi.json").json["paths"]
    for path in told:
        route = re.sub(r"/(iris|digits|names|likes|rhymes)$", "/NAME", path)
        assert f" {route}`" in PAGE, route
    assert len(CURLS) >= 9 and sum(bool(shown) for _, shown in CURLS) >= 5


def test_its_limits_are_the_programs():
    facts = [
        f"{asking.MOST_BYTES >> 20} MiB, {asking.MOST_ROWS:,} rows", f"{heads.MOST_HEAD >> 10} KiB",
        f"{heads.PATIENCE:.0f} s, {receiving.PATIENCE:.0f} s to come", f"{heads.DEAF:.0f} s without a byte",
        f"{desk.LONGEST:,}, answered {desk.BATCH} at a time", f"{speaker.LONGEST}, said {speaker.BATCH} at a time",
        f"{prompting.MOST_TOKENS:,}; {prompting.MOST_BEAMS}; {prompting.MOST_STOPS}", f"| {running.MOST_AT_ONCE:,} |",
        f"for {running.GRACE} seconds",
    ]  # fmt: skip
    assert [fact for fact in facts if fact not in PAGE] == []
