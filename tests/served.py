"""A real server for tests: small artifacts with chance weights, uvicorn in a thread on a free port of loopback."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl
import torch
from sklearn.datasets import load_iris

from modelwright import models, serving
from modelwright.data.codecs import Columns, Documents, LogMel, Pictures, Sentences, Tags, Words
from modelwright.data.codecs.documents import Character
from modelwright.models import CNN, LSTM, MLP, Decoder, Encoder
from modelwright.nouns import Artifact, Encoding, Rows
from modelwright.serving import house, running


def iris_rows(height: int = 150) -> Rows:
    """As a CSV file gives them: every cell is text."""
    data = load_iris()
    frame = pl.DataFrame(data.data, schema=["sepal length", "sepal width", "petal length", "petal width"])
    frame = frame.with_columns(pl.Series("species", data.target_names[data.target]), pl.Series("colour", ["red", "blue"] * 75))
    return Rows(np.arange(height), frame.cast(pl.String).head(height))


def made(encoding: Encoding, family: Any, rows: Rows, seed: int = 0) -> Artifact:
    """Fitted, never trained: for what a server must keep, chance weights are as good as any."""
    codec = encoding.fit(lambda: iter((rows,)))
    return Artifact(family, codec, models.build(family, codec.reads, codec.writes, seed).eval())


def iris() -> Artifact:
    return made(Columns("species"), MLP((16,)), iris_rows())


def lengths() -> Artifact:
    """Answers a number."""
    return made(Columns("sepal length", target="number", missing="median"), MLP((16,)), iris_rows())


def png(value: int, size: int = 8) -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (size, size), value).save(file, "PNG")
    return file.getvalue()


def pictures() -> Artifact:
    cells = [png(value) for value in range(0, 250, 10)]
    frame = pl.DataFrame({"picture": cells, "label": ["dark", "light"] * 12 + ["dark"]})
    return made(Pictures(), CNN(((4,),)), Rows(np.arange(len(cells)), frame))


def wav(hertz: float, seconds: float = 0.2) -> bytes:
    import io
    import wave

    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes((9000 * np.sin(2 * np.pi * hertz * np.arange(int(8000 * seconds)) / 8000)).astype("<i2").tobytes())
    return file.getvalue()


def sounds() -> Artifact:
    cells = [wav(200 + 100 * place, 0.1 + 0.01 * place) for place in range(20)]
    frame = pl.DataFrame({"sound": cells, "label": ["low"] * 10 + ["high"] * 10})
    return made(LogMel(mels=20), CNN(((4,),), (8,)), Rows(np.arange(20), frame))


def words() -> Artifact:
    frame = pl.DataFrame({"text": ["a good film", "a bad film", "good", "bad bad"], "label": ["yes", "no", "yes", "no"]})
    return made(Words("label"), LSTM(8), Rows(np.arange(4), frame))


NAMED = [(["Anna", "Stone", "sees", "Rome"], ["B-PER", "I-PER", "O", "B-LOC"]), (["Boris", "walks"], ["B-PER", "O"])]


def names(scheme: Literal["iob2", "none"] = "iob2", longest: int = 24) -> Artifact:
    """Tags words, spelled in letters."""
    frame = pl.DataFrame([{"words": json.dumps(words), "tags": json.dumps(tags)} for words, tags in NAMED])
    order = Tags(tokenizer=Character(), longest=longest, scheme=scheme)
    return made(order, Encoder(1, 16, 2), Rows(np.arange(2), frame))


def likes() -> Artifact:
    """Answers texts with vectors."""
    frame = pl.DataFrame({"text": ["a big cat", "two dogs"], "positive": ["a large cat", "a pair of dogs"]})
    order = Sentences(width=16, longest=24, places=32, tokenizer=Character())
    return made(order, Encoder(1, 16, 2), Rows(np.arange(2), frame))


def rhymes(longest: int = 32) -> Artifact:
    """Goes on with texts, in letters."""
    frame = pl.DataFrame({"text": ["one two buckle my shoe", "three four knock at the door", "five six pick up sticks"]})
    return made(Documents(longest=longest, tokenizer=Character()), Decoder(1, 16, 2), Rows(np.arange(3), frame))


class Held(torch.nn.Module):
    """A model that answers when it is let, and remembers the height of each batch."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module, self.go, self.heights = module, threading.Event(), list[int]()

    def forward(self, batch):
        assert self.go.wait(60)
        self.heights.append(len(batch["row"]))
        return self.module(batch)


def held() -> tuple[Artifact, Held]:
    """Rows of iris, answered when they are let."""
    artifact = iris()
    module = Held(artifact.module)
    return replace(artifact, module=module), module


@dataclass
class Told:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        def never(word: str) -> Any:
            raise AssertionError(f"{word} is no JSON")

        return json.loads(self.body, parse_constant=never)

    @property
    def answers(self) -> list[dict[str, Any]]:
        assert self.status == 200, self.body
        return self.json["answers"]


@dataclass
class Live:
    """A server that runs."""

    port: int
    house: house.House
    headers: dict[str, str] = field(default_factory=dict[str, str])
    end: Callable[[], None] = lambda: None
    """As a signal does."""

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Told:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {**self.headers, **(headers or {})})
            told = connection.getresponse()
            return Told(told.status, {name.lower(): value for name, value in told.getheaders()}, told.read())
        finally:
            connection.close()

    def post(self, model: str, value: Any, media: str = "application/json", verb: str = "predict") -> Told:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask("POST", f"/{verb}/{model}", content, {"Content-Type": media})

    @property
    def models(self) -> Mapping[str, house.Model]:
        return self.house.models

    def explain(self, model: str, value: Any, media: str = "application/json") -> Told:
        return self.post(model, value, media, "explain")


@contextmanager
def live(artifacts: Mapping[str, Artifact], keys: bool = False) -> Generator[Live, None, None]:
    taken = serving.take(serving.Place(port=0, keys=keys))
    opened = house.opened(artifacts)
    server = running.server(running.door(opened, taken.place))
    thread = threading.Thread(target=server.run, args=([taken.listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Live(taken.listening.getsockname()[1], opened, end=lambda: setattr(server, "should_exit", True))
    finally:
        server.should_exit = True
        thread.join(10)
        house.closed(opened)
        taken.listening.close()
