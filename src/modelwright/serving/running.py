"""The server itself: an address taken, requests answered until it is told to end. Knows no route."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

from modelwright.nouns import Artifact, Refused
from modelwright.serving import clients
from modelwright.wording import say

if TYPE_CHECKING:
    import uvicorn

    from modelwright.serving.gate import Gate
    from modelwright.serving.house import House

OWN = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""What a Host header calls this machine when the request comes from it."""
MOST_AT_ONCE = 1000
"""Connections; the next is told to come back."""
GRACE = 30
"""Seconds that what is in flight has, once the server was told to end."""


@dataclass(frozen=True)
class Place:
    """Where a server listens; port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 8080
    keys: bool = False
    """Whether a key is asked for where only this machine can reach it; where others can, it always is."""

    @property
    def own(self) -> bool:
        """Whether this machine alone can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True)
class Taken:
    """A place that is listened at already."""

    place: Place
    listening: socket.socket

    @property
    def address(self) -> str:
        host, port = self.listening.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def take(place: Place) -> Taken:
    """Refused: one where a key is needed and nobody has any, one that is not of this machine, or one where somebody listens."""
    if not (place.own and not place.keys) and not clients.names():
        raise Refused(
            say("A key would be asked for at {host}, and nobody has one yet.", host=place.host),
            say("Make the first: modelwright keys add-client NAME"),
        )
    try:
        family, _, _, _, address = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0]
        return Taken(place, socket.create_server(address[:2], family=family, backlog=2048))
    except OSError as error:
        problem = error.strerror or str(error)
        raise Refused(
            say("Nothing can listen on {host}, port {port}: {problem}.", host=place.host, port=place.port, problem=problem),
            say("Another port: --port 8081; any free one: --port 0."),
        ) from None


def serve(artifacts: Mapping[str, Artifact], taken: Taken) -> None:
    """Answers until SIGINT or SIGTERM; then nobody new is let in, and those inside are answered."""
    from modelwright.serving.house import closed, opened

    house = opened(artifacts)
    before = {number: signal.signal(number, _ended) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server(door(house, taken.place)).run([taken.listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        closed(house)


def door(house: House, place: Place) -> Gate:
    """The routes behind the gate that this place needs."""
    from modelwright.serving.routes import app

    needed = place.keys or not place.own
    return app(house, OWN if place.own else frozenset(), clients.Clients() if needed else None)


def server(gate: Gate) -> uvicorn.Server:
    """uvicorn around the routes, silent: what it would log may hold addresses."""
    import uvicorn

    from modelwright.serving.heads import Heads

    config = uvicorn.Config(
        gate, http=Heads, limit_concurrency=MOST_AT_ONCE,
        lifespan="off", ws="none", log_config=None, access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
    )  # fmt: skip
    return uvicorn.Server(config)


def _ended(number: int, frame: FrameType | None) -> None:
    """uvicorn raises the signal anew once it has ended by it; by then all is done."""
