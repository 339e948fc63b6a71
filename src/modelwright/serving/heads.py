"""A limit on what a client may send before its request has a body: uvicorn's fast parser knows none."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 1 << 16
"""Bytes of a request's first line and headers."""


class Heads(HttpToolsProtocol):
    """uvicorn's own, but a head that does not end is cut off."""

    head = 0
    """Bytes since the head began that is being read."""

    def data_received(self, data: bytes) -> None:
        self.head += len(data)
        super().data_received(data)
        if self.head > MOST_HEAD and not self.transport.is_closing():
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self.head = -(1 << 60)  # what comes now is body, which the routes limit
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self.head = 0
        super().on_message_complete()
