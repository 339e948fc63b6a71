"""What lies at which address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from modelwright.serving import page
from modelwright.serving.asking import Form, Question, question
from modelwright.serving.clients import Clients
from modelwright.serving.desk import Desk, Waiting
from modelwright.serving.gate import Gate, turned
from modelwright.serving.house import House, Model, Speaking
from modelwright.serving.meters import Meters
from modelwright.serving.openapi import openapi
from modelwright.serving.prompting import order
from modelwright.serving.reasoning import reasons
from modelwright.serving.receiving import body, unless_gone
from modelwright.serving.streaming import heard, spoken
from modelwright.serving.turning import FULL, UNKNOWN, UNREADABLE, Turned
from modelwright.wording import say

SMALL = 1 << 16
"""Bytes of a body that is read at once; larger ones are read in a thread, so that no other request waits for it."""
FORMS: Mapping[Form, str] = {"json": "application/json", "csv": "text/csv"}
HURRY = 5.0
"""Seconds in which a model that is ready answers its example."""


def app(house: House, hosts: frozenset[str] = frozenset(), clients: Clients | None = None) -> Gate:
    """The whole server: every route, and the gate before all of them."""
    meters = Meters(house)
    routes = Routes(house, meters, clients is not None)
    found = [
        Route("/predict/{model}", routes.predict, methods=["POST"]),
        Route("/explain/{model}", routes.explain, methods=["POST"]),
        Route("/generate/{model}", routes.generate, methods=["POST"]),
        Route("/health", routes.health),
        Route("/ready", routes.ready),
        Route("/metrics", routes.metrics),
        Route("/openapi.json", routes.openapi),
        Route("/docs", routes.docs),
        Route("/", routes.first),
    ]
    return Gate(Router(found, redirect_slashes=False), meters, hosts, clients)


class Routes:
    """One method a route."""

    def __init__(self, house: House, meters: Meters, keys: bool) -> None:
        self.house, self.meters, self.keys = house, meters, keys
        self.explaining = asyncio.Lock()

    async def predict(self, request: Request) -> Response:
        """As JSON; or as the table that `predict` writes, where that is what is accepted first."""
        model, asked = await self._asked(request)
        first = request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower()
        form = "csv" if first == FORMS["csv"] else "json"
        return Response(await answered(model.desk, replace(asked, form=form), request), media_type=FORMS[form])

    async def explain(self, request: Request) -> Response:
        """One at a time: each takes seconds, and answers must not wait for it."""
        name, word = request.path_params["model"], _word(request.query_params.get("word"))
        if self._model(name).answers == "vector":
            told = say("{name} answers with vectors, which are not explained: ask it at /predict/{name}.", name=name)
            raise Turned(UNKNOWN, told)
        model, asked = await self._asked(request)
        if self.explaining.locked():
            raise Turned(FULL, say("Something else is being explained: ask again in a second."))
        async with self.explaining:
            told = await asyncio.to_thread(reasons, model.artifact, asked, word)
        return Response(told, media_type="application/json")

    async def generate(self, request: Request) -> Response:
        """The whole answer, or its pieces as they are said."""
        one = self._speaking(request.path_params["model"])
        request.scope["model"] = one.name
        content, media = await body(request), request.headers.get("content-type", "")
        asked = await asyncio.to_thread(order, one.artifact, content, media)
        if asked.stream:
            return await spoken(one.speaker, asked)
        return JSONResponse(await heard(one.speaker, asked, request.receive))

    async def health(self, request: Request) -> Response:
        """The server lives."""
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        """Every model answers a row, now."""
        waits: dict[str, bool] = {}
        waits |= {name: one.speaker.waiting < one.speaker.longest for name, one in self.house.speaking.items()}
        for name, model in self.house.models.items():
            try:
                if model.example is not None:
                    await asyncio.wait_for(answered(model.desk, model.example, request), HURRY)
                waits[name] = True
            except (asyncio.TimeoutError, Turned):
                waits[name] = False
        if all(waits.values()):
            return JSONResponse({"status": "ready", "models": waits})
        late = ", ".join(name for name, well in waits.items() if not well)
        return turned(FULL, (say("Not ready: {models}.", models=late),))

    async def metrics(self, request: Request) -> Response:
        return Response(self.meters.text(), media_type=CONTENT_TYPE_LATEST)

    async def openapi(self, request: Request) -> Response:
        return JSONResponse(openapi(self.house, self.keys))

    async def docs(self, request: Request) -> Response:
        return _shown(page.docs(openapi(self.house, self.keys)))

    async def first(self, request: Request) -> Response:
        return _shown(page.first(self.house, str(request.base_url).rstrip("/")))

    async def _asked(self, request: Request) -> tuple[Model, Question]:
        """The model and the rows that a request is about."""
        model = self._model(request.path_params["model"])
        request.scope["model"] = model.name
        content = await body(request)
        media = request.headers.get("content-type", "")
        if len(content) <= SMALL:
            return model, question(content, media, model.wanted)
        return model, await asyncio.to_thread(question, content, media, model.wanted)

    def _model(self, name: str) -> Model:
        if name in self.house.speaking:
            raise Turned(UNKNOWN, say("{name} says texts and answers no rows: ask it at /generate/{name}.", name=name))
        if name not in self.house.models:
            raise self._unknown()
        return self.house.models[name]

    def _speaking(self, name: str) -> Speaking:
        if name in self.house.models:
            raise Turned(UNKNOWN, say("{name} answers rows and says no texts: ask it at /predict/{name}.", name=name))
        if name not in self.house.speaking:
            raise self._unknown()
        return self.house.speaking[name]

    def _unknown(self) -> Turned:
        names = ", ".join(self.house.names)
        return Turned(UNKNOWN, say("No model of that name is served here. There are: {names}.", names=names))


def _word(written: str | None) -> int | None:
    """Which word's tag, as an address says it."""
    if written is None:
        return None
    if not (written.isascii() and written.isdecimal() and len(written) < 6):
        raise Turned(UNREADABLE, say("word is a number, counted from 0: /explain/NAME?word=2"))
    return int(written)


def _shown(text: str) -> Response:
    return Response(text, media_type="text/html", headers={"Content-Security-Policy": page.policy()})


async def answered(desk: Desk, asked: Question, request: Request) -> bytes:
    """The body of the answer, once the desk has it."""
    waiting = Waiting(asked, asyncio.get_running_loop().create_future())
    soon = desk.put(waiting)
    try:
        if not soon:
            await unless_gone(waiting.reply, request.receive)
        reply = await waiting.reply
    finally:
        if not waiting.reply.done() or waiting.reply.cancelled():
            desk.leave(waiting)
    if isinstance(reply, Exception):
        raise reply
    return reply.body
