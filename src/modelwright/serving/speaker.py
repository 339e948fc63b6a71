"""A model that goes on with texts, at its desk: one bounded queue, and one thread that says what waits, side by side.

Answers that are chosen alike are said together; what comes meanwhile waits for the next turn. Knows no web.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from modelwright.generating import Said, speak
from modelwright.nouns import Artifact, Refused
from modelwright.serving.prompting import Order
from modelwright.serving.turning import FULL, UNREADABLE, Turned
from modelwright.wording import say, speaking

BATCH = 8
"""Answers that are said side by side."""
LONGEST = 64
"""Prompts that may wait."""

Event: TypeAlias = "str | Said | Exception"
"""A piece of text; then all of it, or why there is none."""


@dataclass(eq=False)
class Listening:
    """An order in the queue, and where its answer goes."""

    order: Order
    events: asyncio.Queue[Event] = field(default_factory=asyncio.Queue[Event])
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    came: float = field(default_factory=time.perf_counter)
    heard: bool = False
    """Something was said."""

    def tell(self, event: Event) -> None:
        with suppress(RuntimeError):  # the loop has closed: nobody listens there any more
            self.loop.call_soon_threadsafe(self.events.put_nowait, event)


@dataclass
class Spoken:
    """What a speaker has done since it opened."""

    prompts: int = 0
    tokens: int = 0
    faulty: int = 0
    left: int = 0
    """Orders whose client hung up before the end."""
    first: float = 0.0
    """Seconds from coming to the first piece, of all answers together."""


class Speaker:
    """Orders are put from an event loop; pieces come back to it."""

    def __init__(self, artifact: Artifact, batch: int = BATCH, longest: int = LONGEST) -> None:
        self.artifact, self.batch, self.longest = artifact, batch, longest
        self.seen = Spoken()
        self._queue: deque[Listening] = deque()
        self._closing = False
        self._work = threading.Condition()
        self._thread = threading.Thread(target=self._say_all, name="modelwright-speaker", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Prompts in the queue."""
        return len(self._queue)

    def put(self, listening: Listening) -> None:
        """Turned: the queue is full, or the speaker is closing."""
        with self._work:
            if self._closing or len(self._queue) >= self.longest:
                raise Turned(FULL, say("Too many prompts are waiting for this model: ask again in a second."))
            self._queue.append(listening)
            self._work.notify()

    def leave(self, listening: Listening) -> None:
        """Nobody listens any more: what waits is forgotten, what is being said ends with its next token."""
        voice = listening.order.voice
        with self._work:
            if listening in self._queue:
                self._queue.remove(listening)
            self.seen.left += voice.said is None
            voice.left = True

    def close(self) -> None:
        """Says what waits, and ends."""
        with self._work:
            self._closing = True
            self._work.notify()
        self._thread.join()

    def _say_all(self) -> None:
        while some := self._next():
            self._say(some)

    def _next(self) -> list[Listening]:
        """The first that waits and those that fit beside it; empty when the speaker has closed."""
        with self._work:
            self._work.wait_for(lambda: self._queue or self._closing)
            if not self._queue:
                return []
            first = self._queue[0].order.voice
            fitting = [one for one in self._queue if one.order.voice is first or first.beside(one.order.voice)]
            taken = fitting[: self.batch]
            for one in taken:
                self._queue.remove(one)
            self.seen.prompts += len(taken)
            return taken

    def _say(self, some: Sequence[Listening]) -> None:
        """What breaks one answer never breaks another: after an error those that have heard nothing are said alone."""
        by_voice = {one.order.voice: one for one in some}
        try:
            with speaking(some[0].order.language):
                for voice, piece in speak(self.artifact, list(by_voice)):
                    self._hand(by_voice[voice], piece)
        except Exception as error:
            if len(some) == 1:
                self._fail(some[0], error)
                return
            for one in some:
                if one.order.voice.said is None and not one.order.voice.left:
                    self._fail(one, error) if one.heard else self._say([one])

    def _hand(self, listening: Listening, piece: str) -> None:
        if piece and not listening.heard:
            listening.heard = True
            self.seen.first += time.perf_counter() - listening.came
        if piece:
            listening.tell(piece)
        if (said := listening.order.voice.said) is not None:
            self.seen.tokens += said.tokens
            listening.tell(said)

    def _fail(self, listening: Listening, error: Exception) -> None:
        """The model's own refusal (a form that cannot be, a prompt too long) is the asker's to mend."""
        self.seen.faulty += 1
        listening.tell(Turned(UNREADABLE, *error.sentences) if isinstance(error, Refused) else error)
