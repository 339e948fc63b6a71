"""What a recipe says of rows that are handed over in Python: only how to part them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelwright.data.splits import Split, Stratified
from modelwright.nouns import Refused, Rows
from modelwright.wording import say


@dataclass(frozen=True)
class InPython:
    """modelwright.train(recipe, data=table); the recipe alone has no rows."""

    split: Split = Stratified()

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        raise Refused(say("The rows of this recipe are handed over in Python: modelwright.train(recipe, data=table)."))
