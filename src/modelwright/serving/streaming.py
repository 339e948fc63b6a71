"""What a speaker says, as the body of an answer: whole, or piece by piece as server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive

from modelwright.generating import Said
from modelwright.serving.prompting import Order
from modelwright.serving.receiving import unless_gone
from modelwright.serving.speaker import Event, Listening, Speaker
from modelwright.serving.turning import Turned
from modelwright.wording import say, speaking, together

log = logging.getLogger("modelwright")


async def heard(speaker: Speaker, order: Order, receive: Receive) -> dict[str, Any]:
    """The whole answer. GoneError as soon as the client hangs up; then nothing more is said for it."""
    listening = Listening(order)
    speaker.put(listening)
    whole = asyncio.ensure_future(_whole(listening))
    try:
        await unless_gone(whole, receive)
        return await whole
    finally:
        whole.cancel()
        _leave(speaker, listening)


async def spoken(speaker: Speaker, order: Order) -> StreamingResponse:
    """Begins when the first piece is there, so that what cannot be answered still has a status of its own."""
    listening = Listening(order)
    speaker.put(listening)
    try:
        first = await listening.events.get()
    except asyncio.CancelledError:
        _leave(speaker, listening)
        raise
    if isinstance(first, Exception):
        raise first
    return StreamingResponse(_events(speaker, listening, first), media_type="text/event-stream")


async def _whole(listening: Listening) -> dict[str, Any]:
    pieces: list[str] = []
    while isinstance(event := await listening.events.get(), str):
        pieces.append(event)
    if isinstance(event, Exception):
        raise event
    return {"text": "".join(pieces), **_facts(listening.order, event)}


async def _events(speaker: Speaker, listening: Listening, first: Event) -> AsyncIterator[bytes]:
    try:
        event = first
        while isinstance(event, str):
            yield _event("piece", {"text": event})
            event = await listening.events.get()
        if isinstance(event, Exception):
            yield _event("error", {"error": _fault(event)})
        else:
            yield _event("end", _facts(listening.order, event))
    finally:
        _leave(speaker, listening)


def _leave(speaker: Speaker, listening: Listening) -> None:
    if listening.order.voice.said is None:
        speaker.leave(listening)


def _facts(order: Order, said: Said) -> dict[str, Any]:
    voice = order.voice
    facts: dict[str, Any] = {"tokens": said.tokens, "prompt_tokens": len(voice.begun.tokens), "ended": voice.ended}
    with speaking(order.language):
        notes = voice.begun.notes()
        if not said.whole:
            notes.append(say("The answer was cut before it had the form that was ordered: give it more tokens."))
    return {**facts, "whole": said.whole, "notes": notes}


def _fault(error: Exception) -> str:
    if isinstance(error, Turned):
        return together(*error.sentences)
    log.error("%s while an answer was said", type(error).__name__)  # its text may hold a prompt
    return say("This is a fault of the server, not yours. It is logged.")


def _event(name: str, facts: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(facts, ensure_ascii=False, allow_nan=False)}\n\n".encode()
