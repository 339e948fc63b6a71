"""Clients that ask a server as fast as it answers, each one question at a time on a line of its own; every answer is checked.

    python load.py PORT ARTIFACT [--clients 32] [--seconds 5]

Ends with a line of JSON: requests a second, milliseconds at the middle and at the 99th percentile, wrong answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from sklearn.datasets import load_digits

from modelwright import evaluation, notebook, shelf

HEAD = b"POST /predict/digits HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


class Client(asyncio.Protocol):
    """Asks row after row; notes how long each took and whether the answer is the one that predict gives."""

    def __init__(self, asked: list[tuple[bytes, str]], first: int) -> None:
        self.asked, self.place, self.read = asked, first, b""
        self.took: list[float] = []
        self.wrong = 0
        self.stopped = asyncio.get_running_loop().create_future()
        self.until = float("inf")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.stopped.done():
            self.stopped.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, found, body = self.read.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length:")[2].split()[0]):
            return
        now = time.perf_counter()
        self.took.append(now - self.began)
        self.wrong += not (head.startswith(b"HTTP/1.1 200") and self.asked[self.place][1].encode() in body)
        self.read = b""
        if now < self.until:
            self.place = (self.place + 1) % len(self.asked)
            self._ask()
        else:
            self.transport.close()

    def _ask(self) -> None:
        self.began = time.perf_counter()
        self.transport.write(self.asked[self.place][0])


def questions(artifact: Path) -> list[tuple[bytes, str]]:
    """Each digit as a request, and what its answer must hold."""
    pixels = load_digits(as_frame=True).data
    model = shelf.take(artifact)
    said = evaluation.answer_rows(model.module, model.codec, notebook.rows(pixels)).frame["answer"]
    found: list[tuple[bytes, str]] = []
    for row, answer in zip(pixels.to_dict("records"), said):
        body = json.dumps(row).encode()
        head = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode()
        found.append((head + body, f'"answer":"{answer}"'))
    return found


async def measured(port: int, asked: list[tuple[bytes, str]], clients: int, seconds: float) -> dict[str, float]:
    """The first fifth of the time warms up and is not counted."""
    loop = asyncio.get_running_loop()
    lines = []
    for place in range(clients):
        first = place * len(asked) // clients
        lines.append((await loop.create_connection(lambda first=first: Client(asked, first), "127.0.0.1", port))[1])
    await asyncio.sleep(seconds / 5)
    before = [len(line.took) for line in lines]
    began = time.perf_counter()
    for line in lines:
        line.until = began + seconds
    await asyncio.gather(*(line.stopped for line in lines))
    lasted = time.perf_counter() - began
    took = sorted(one for line, start in zip(lines, before) for one in line.took[start:])
    return {
        "all": sum(len(line.took) for line in lines),
        "rate": len(took) / lasted,
        "middle": 1000 * took[len(took) // 2],
        "p99": 1000 * took[int(len(took) * 0.99)],
        "longest": 1000 * took[-1],
        "wrong": sum(line.wrong for line in lines),
    }


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("port", type=int)
    words.add_argument("artifact", type=Path)
    words.add_argument("--clients", type=int, default=32)
    words.add_argument("--seconds", type=float, default=5)
    given = words.parse_args()
    told = asyncio.run(measured(given.port, questions(given.artifact), given.clients, given.seconds))
    sys.stdout.write(json.dumps(told) + "\n")
