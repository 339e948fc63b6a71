"""A prompt as a model reads it."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.wording import say, say_many


@dataclass(frozen=True)
class Begun:
    """A prompt as a model reads it."""

    tokens: list[int]
    unknown: int
    """Characters that the model does not know."""
    dropped: int
    """Tokens at its beginning that are not read."""
    longest: int
    """Tokens that the model looks back on."""
    reply: tuple[int, ...] = ()
    """What a reply to it begins with; none: the text itself is gone on with. What is dropped is then at its end."""

    @property
    def spoken(self) -> list[int]:
        """What the first new token follows."""
        return list(self.reply) or self.tokens

    def notes(self) -> list[str]:
        """What of the prompt the model does not read as it was written."""
        lines: list[str] = []
        if self.unknown:
            lines.append(say_many("{n} character of the prompt is unknown to this model.",
                                  "{n} characters of the prompt are unknown to this model.", self.unknown))  # fmt: skip
        if self.dropped:
            looks = say("The prompt is longer than the {longest} tokens that this model looks back on.", longest=self.longest)
            if self.reply:
                rest = say_many("Its last {n} token is not read.", "Its last {n} tokens are not read.", self.dropped)
            else:
                rest = say_many("Its first {n} token is not read.", "Its first {n} tokens are not read.", self.dropped)
            lines.append(f"{looks} {rest}")
        return lines
