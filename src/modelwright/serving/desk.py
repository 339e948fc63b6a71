"""A model at its desk: one bounded queue, and one thread that answers all that waits, up to a limit, at once. Knows no web.

A batch never waits to grow: while one is answered the next gathers by itself, so an idle desk answers a row alone.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from modelwright.nouns import Artifact
from modelwright.serving.asking import MOST_ROWS, Question
from modelwright.serving.batching import Answered, Reply, answer
from modelwright.serving.turning import FULL, Turned
from modelwright.wording import say

BATCH = 256
"""Rows that are answered at once; a question of more rows is answered alone."""
LONGEST = 2 * MOST_ROWS
"""Rows that may wait."""


@dataclass(eq=False)
class Waiting:
    """A question in the queue, and where its reply goes."""

    question: Question
    reply: asyncio.Future[Reply]


@dataclass
class Seen:
    """What a desk has done since it opened."""

    rows: int = 0
    """Taken to be answered."""
    faulty: int = 0
    batches: int = 0
    left: int = 0
    """Questions whose client hung up before."""


class Desk:
    """Questions are put from an event loop; replies come back to it."""

    def __init__(self, artifact: Artifact, batch: int = BATCH, longest: int = LONGEST) -> None:
        self.artifact, self.batch, self.longest = artifact, batch, longest
        self._queue: deque[Waiting] = deque()
        self._rows = 0
        self.seen = Seen()
        self._closing = False
        self._work = threading.Condition()
        self._thread = threading.Thread(target=self._answer_all, name="modelwright-desk", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Rows in the queue."""
        return self._rows

    def put(self, waiting: Waiting) -> bool:
        """Whether the next batch takes it. Turned: the queue is full, or the desk is closing."""
        height = waiting.question.height
        with self._work:
            if self._closing or self._rows + height > self.longest:
                raise Turned(FULL, say("Too many rows are waiting for this model: ask again in a second."))
            self._queue.append(waiting)
            self._rows += height
            self._work.notify()
            return self._rows <= self.batch

    def leave(self, waiting: Waiting) -> None:
        """The client hung up. What is being answered already is answered; nobody reads it."""
        with self._work:
            if waiting in self._queue:
                self._queue.remove(waiting)
                self._rows -= waiting.question.height
                self.seen.left += 1

    def close(self) -> None:
        """Answers what waits, and ends."""
        with self._work:
            self._closing = True
            self._work.notify()
        self._thread.join()

    def _answer_all(self) -> None:
        while batch := self._next():
            replies = answer(self.artifact, [waiting.question for waiting in batch])
            self.seen.faulty += sum(reply.faulty for reply in replies if isinstance(reply, Answered))
            _deliver(batch, replies)

    def _next(self) -> list[Waiting]:
        """What waits, up to the limit; empty when the desk has closed."""
        taken: list[Waiting] = []
        rows = 0
        with self._work:
            self._work.wait_for(lambda: self._queue or self._closing)
            while self._queue and (not taken or rows + self._queue[0].question.height <= self.batch):
                taken.append(self._queue.popleft())
                rows += taken[-1].question.height
            self._rows -= rows
            self.seen.rows += rows
            self.seen.batches += bool(taken)
        return taken


def _deliver(batch: Sequence[Waiting], replies: Sequence[Reply]) -> None:
    """All replies of a batch to their loops, which is one wake-up for each loop."""
    loops: dict[asyncio.AbstractEventLoop, list[tuple[Waiting, Reply]]] = {}
    for waiting, reply in zip(batch, replies):
        loops.setdefault(waiting.reply.get_loop(), []).append((waiting, reply))
    for loop, pairs in loops.items():
        with suppress(RuntimeError):  # the loop has closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: list[tuple[Waiting, Reply]]) -> None:
    for waiting, reply in pairs:
        if not waiting.reply.done():
            waiting.reply.set_result(reply)
