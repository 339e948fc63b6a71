"""The body of a request, read as it streams: no more than the limit, not for ever, and only from a client that stays."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import anyio
from starlette.requests import Request
from starlette.types import Receive

from modelwright.serving.asking import MOST_BYTES
from modelwright.serving.turning import TOO_LARGE, Turned
from modelwright.wording import say

PATIENCE = 60.0
"""Seconds that a body may take to come."""
POLITE = 4 * MOST_BYTES
"""Bytes of a body too large that are still taken in and thrown away, so that its sender reads why it was turned away."""


class GoneError(Exception):
    """The client hung up: there is nobody to answer."""


async def body(request: Request) -> bytes:
    """All of it. Turned: too large (413) or too slow (408)."""
    try:
        with anyio.fail_after(PATIENCE):
            return await _body(request)
    except TimeoutError:
        raise Turned(HTTPStatus.REQUEST_TIMEOUT, say("The request did not come in time.")) from None


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    large = announced.isdecimal() and int(announced[:20]) > MOST_BYTES
    pieces: list[bytes] = []
    size = 0
    async for piece in _pieces(request.receive):
        size += len(piece)
        large = large or size > MOST_BYTES
        if large:
            pieces.clear()
        else:
            pieces.append(piece)
        if size > POLITE:
            break
    if large:
        told = say("The request is too large: at most {most} bytes are read.", most=f"{MOST_BYTES:,}")
        raise Turned(TOO_LARGE, told)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def _pieces(receive: Receive):
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def unless_gone(reply: asyncio.Future[Any], receive: Receive) -> None:
    """Returns when the reply is there. GoneError as soon as the client hangs up."""
    watch = asyncio.ensure_future(_hung_up(receive))
    try:
        await asyncio.wait({reply, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not reply.done():
            raise GoneError
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
