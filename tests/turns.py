"""Processes in one: threads that take turns and change over only where they ask each other something.

No two run at a time, for torch's generator is the process's; what they share is summed in the order of their ranks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch import Tensor

from modelwright.parallel import Parted

T = TypeVar("T")


@dataclass
class Table:
    """Where they sit."""

    size: int
    turn: threading.Condition = field(default_factory=threading.Condition)
    next: int = 0
    said: list[Any] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)

    def exchange(self, rank: int, word: Any) -> list[Any]:
        """Everybody's words, once all have spoken."""
        with self.turn:
            if rank == 0:
                self.said = []
            said = self.said
            said.append(word)
            self._pass_on(rank)
            self.turn.wait_for(lambda: self.next == rank or self.gone)
        if len(said) < self.size:
            raise Parted("somebody has left the table")
        return said

    def leave(self, rank: int) -> None:
        with self.turn:
            self.gone.add(rank)
            self._pass_on(rank)

    def _pass_on(self, rank: int) -> None:
        self.next = (rank + 1) % self.size
        self.turn.notify_all()

    def wait(self, rank: int) -> None:
        with self.turn:
            self.turn.wait_for(lambda: self.next == rank)


@dataclass(frozen=True)
class Seat:
    """A Together of one thread of them."""

    rank: int
    size: int
    table: Table = field(repr=False)

    def mine(self, micros: int) -> range:
        return range(self.rank, micros, self.size)

    def total(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        first, *others = self.table.exchange(self.rank, [tensor.clone() for tensor in tensors])
        sums = [tensor.clone() for tensor in first]
        for other in others:
            for place, tensor in enumerate(other):
                sums[place] = sums[place] + tensor
        return sums

    def told(self, make: Callable[[], Any]) -> Any:
        return self.table.exchange(self.rank, make() if self.rank == 0 else None)[0]


def together(size: int, work: Callable[[Seat], T]) -> list[T]:
    """What each of them made of it."""
    table, made, wrong = Table(size), dict[int, T](), list[BaseException]()

    def sit(rank: int) -> None:
        table.wait(rank)
        try:
            made[rank] = work(Seat(rank, size, table))
        except BaseException as error:
            wrong.append(error)
        finally:
            table.leave(rank)

    threads = [threading.Thread(target=sit, args=(rank,), daemon=True) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert wrong or not thread.is_alive(), "they wait for each other"
    if wrong:
        raise wrong[0]
    return [made[rank] for rank in range(size)]
