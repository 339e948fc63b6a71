"""Time that may be spent, and whether another round fits in it. Knows no method."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from modelwright.nouns import Refused
from modelwright.wording import say

OVER = 1.2
"""A budget is kept within this."""


@dataclass
class Budget:
    """Seconds from its making on. The clock is given, so that tests need not wait."""

    seconds: float
    clock: Callable[[], float] = time.perf_counter
    began: float = field(init=False)
    kept_back: float = field(default=0.0, init=False)
    """Seconds for what comes after the rounds."""

    pace: float = field(default=0.0, init=False)
    """Seconds for each question, as measured."""

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def spent(self) -> float:
        return self.clock() - self.began

    @property
    def left(self) -> float:
        """Seconds for rounds; below 0 when they are overspent."""
        return self.seconds - self.spent - self.kept_back

    def fits(self, seconds: float) -> bool:
        """Whether so many more seconds may be spent."""
        return seconds <= self.left

    def keep_back(self, seconds: float) -> None:
        self.kept_back = seconds

    def refuse_overspent(self) -> None:
        """Asked after the least that a method does: a budget below that cannot be kept."""
        least = self.spent + self.kept_back
        if least > OVER * self.seconds:
            facts = {"seconds": f"{self.seconds:g}", "least": f"{least:.2g}"}
            told = say("{seconds} s are too few to explain this: the least that says anything takes {least} s.", **facts)
            raise Refused(told, say("Give more time:   --budget {more}s", more=f"{2 * least:.2g}"))
