"""How a verb ends that could not do what it was asked."""

from __future__ import annotations


class Refused(Exception):
    """The user's fault, or the world's: sentences that say what is wrong, where, and what to do. Exit code 2."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class Unkept(Exception):
    """A promise that measurement did not confirm. Exit code 1."""
