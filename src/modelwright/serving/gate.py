"""What every request passes first, whatever its route: whose it is, where it thinks it is, and what no answer may lack."""

from __future__ import annotations

import base64
import json
import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from modelwright.serving.clients import Clients
from modelwright.serving.meters import Meters
from modelwright.serving.receiving import GoneError
from modelwright.serving.turning import FULL, Turned
from modelwright.wording import say, speak, together

log = logging.getLogger("modelwright")

GONE = 499
"""What the meters call a client that hung up, as nginx does."""
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
)


class Gate:
    """Around all routes, so that none is forgotten: strangers never reach one, and what goes wrong in one is a sentence."""

    def __init__(self, app: ASGIApp, meters: Meters, hosts: frozenset[str], clients: Clients | None) -> None:
        """hosts: names in the Host header that are let in; empty: any. clients: who needs a key; None: nobody does."""
        self.app, self.meters, self.hosts, self.clients = app, meters, hosts, clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        scope["app"] = self
        _speak_as_asked(scope)
        began, status = time.perf_counter(), 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            self._let_in(scope)
            await self.app(scope, receive, sent)
        except GoneError:
            status = GONE
        except Exception as error:
            told = _told(error)
            if not status:
                await told(scope, receive, sent)
        self.meters.note(*_where_to(scope), status, time.perf_counter() - began)

    def _let_in(self, scope: Scope) -> None:
        """Turned: a Host that is not this machine, which is how a web page of somebody else's would come in; and strangers."""
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
        if self.hosts and _without_port(host) not in self.hosts:
            raise Turned(HTTPStatus.MISDIRECTED_REQUEST, say("This server answers to its own machine alone."))
        if self.clients is not None and self.clients.named(_key(scope)) is None:
            raise Turned(HTTPStatus.UNAUTHORIZED, say("A key is needed: Authorization: Bearer KEY."))


def _speak_as_asked(scope: Scope) -> None:
    """For this request alone: the first language that it names, where it is one of ours."""
    asked = next((value for name, value in scope["headers"] if name == b"accept-language"), b"").strip().lower()
    if asked.startswith((b"en", b"zh")):
        speak("zh_CN" if asked.startswith(b"zh") else "en")


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host


def _key(scope: Scope) -> str:
    """The key as a program sends it, or as the password that a browser asks for; "" where there is none, or more than one."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, rest = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def _where_to(scope: Scope) -> tuple[str, str]:
    """Route and model for the meters; what a stranger wrote in an address is never among them."""
    endpoint = scope.get("endpoint")
    return (endpoint.__name__ if endpoint else ""), scope.get("model", "")


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
    if status == HTTPStatus.UNAUTHORIZED:
        more["WWW-Authenticate"] = 'Basic realm="modelwright", charset="UTF-8"'
    if status in (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT):
        more["Connection"] = "close"
    body = json.dumps({"error": together(*sentences)}, ensure_ascii=False).encode()
    return Response(body, status, more, "application/json")
