"""Limits on a client for which uvicorn's fast parser has none: on what it sends beside a body, on how long a head takes, and
on how long it reads nothing of what it asked for."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD = 1 << 16
"""Bytes of a request's first line and headers, and of what else is no body: trailers, the sizes of chunks."""
CHUNKED = 8
"""Bytes beside the body that each of its own may bring: a chunk of a single one has five."""
PATIENCE = 20.0
"""Seconds that a head may take to come, from the moment the line is open."""
DEAF = 30.0
"""Seconds without a byte of the answer taken, once it is more than the line holds."""


class Heads(HttpToolsProtocol):
    """uvicorn's own, but a head that does not end is cut off, and so is a client that does not read."""

    beside = 0
    """Bytes since the head began that is being read, less those that its body allows."""
    within = False
    """A request's body is being read."""
    late: asyncio.TimerHandle | None = None
    deaf: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._hurry()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unhurried()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.within and self.late is None:
            self._hurry()
        self.beside += len(data)
        super().data_received(data)
        if self.beside > MOST_HEAD:
            self._cut()

    def on_headers_complete(self) -> None:
        self.within = True
        self._unhurried()
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.within:  # what comes after a body belongs to no head
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self.beside -= (1 + CHUNKED) * len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.within, self.beside = False, 0
        self._unhurried()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Whoever was answered before his body had come has as long for the rest of it as for a head."""
        super().on_response_complete()
        if self.within and self.cycle.response_complete:
            self._hurry()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._listen(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        if self.deaf is not None:
            self.deaf.cancel()
            self.deaf = None
        super().resume_writing()

    def _hurry(self) -> None:
        self._unhurried()
        self.late = self.loop.call_later(PATIENCE, self._cut)

    def _unhurried(self) -> None:
        if self.late is not None:
            self.late.cancel()
            self.late = None

    def _listen(self, before: int) -> None:
        """Looks again and again whether anything of what waits was taken."""
        self.deaf = self.loop.call_later(DEAF, self._still, before)

    def _still(self, before: int) -> None:
        now = self.transport.get_write_buffer_size()
        if now >= before:
            self._cut()
        else:
            self._listen(now)

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
