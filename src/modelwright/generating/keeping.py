"""What an answer must keep to, as people order it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.nouns import Refused
from modelwright.wording import say


@dataclass(frozen=True)
class Keeping:
    """As it comes: to nothing."""

    stops: tuple[str, ...] = ()
    """Texts at which an answer ends; they are not part of it."""
    schema: Mapping[str, Any] | None = None
    """The JSON schema that the answer is an instance of."""
    pattern: str = ""
    """The regular expression that the whole answer matches; empty: there is none."""

    def __post_init__(self) -> None:
        if not all(self.stops):
            raise Refused(say("A stop word is empty: it would end every answer before it begins."))
        if self.schema is not None and self.pattern:
            raise Refused(say("An answer keeps to a JSON schema or to a pattern: give one of the two."))

    @property
    def form(self) -> bool:
        """Whether only some texts are answers at all."""
        return self.schema is not None or bool(self.pattern)
