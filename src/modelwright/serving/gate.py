"""What every request passes first, whatever its route: whose it is, where it thinks it is, and what no answer may lack."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelwright.serving.receiving import GoneError
from modelwright.serving.turning import FULL, Turned
from modelwright.wording import say

log = logging.getLogger("modelwright")

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
)


class Gate:
    """Around all routes: what is not let in never reaches one, and what goes wrong in one is told in a sentence."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        scope["app"] = self
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            self._let_in(scope)
            await self.app(scope, receive, sent)
        except GoneError:
            return
        except Exception as error:
            if begun:
                raise GoneError from None  # nothing can be told any more; what went wrong is logged
            await _told(error)(scope, receive, sent)

    def _let_in(self, scope: Scope) -> None:
        """Turned: a Host that is not this machine, which is how a web page of somebody else's would come in."""
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
        if self.hosts and _without_port(host) not in self.hosts:
            raise Turned(HTTPStatus.MISDIRECTED_REQUEST, say("This server answers to its own machine alone."))


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _told(error: Exception) -> Response:
    """The error as its asker may know it."""
    match error:
        case Turned():
            return turned(error.status, error.sentences)
        case HTTPException():
            return turned(HTTPStatus(error.status_code), (_http(error.status_code),), error.headers)
        case _:
            log.error("%s in %s", type(error).__name__, _where(error))  # its text may hold a row
            return turned(HTTPStatus.INTERNAL_SERVER_ERROR, (say("This is a fault of the server, not yours. It is logged."),))


def _http(status: int) -> str:
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return say("This address is there, but not for that method.")
    return say("There is nothing at this address; / shows what there is.")


def _where(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-6:]))


def turned(status: HTTPStatus, sentences: Sequence[str], headers: Mapping[str, str] | None = None) -> Response:
    """Sentences as a response."""
    more = dict(headers or {})
    if status == FULL:
        more["Retry-After"] = "1"
    if status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
        more["Connection"] = "close"
    body = json.dumps({"error": " ".join(sentences)}, ensure_ascii=False).encode()
    return Response(body, status, more, "application/json")
