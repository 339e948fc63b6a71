"""What a model that shortens must beat: the first words of the text itself. Of Chinese each character counts as a word."""

from __future__ import annotations

from modelwright.evaluation.matching import UNIT

TIMES = 2
"""So often as long as the reply, or more, is a text that is to be shortened."""


def shortens(texts: list[str], replies: list[str]) -> bool:
    """Whether the text in the middle of all is so much longer than the reply in the middle."""
    return usual(texts) >= TIMES * max(1, usual(replies))


def usual(texts: list[str]) -> int:
    """Words of the text in the middle, by their number; of none 0."""
    counts = sorted(sum(1 for _ in UNIT.finditer(text)) for text in texts)
    return counts[len(counts) // 2] if counts else 0


def lead(text: str, count: int) -> str:
    """Its first so many words, spelled as they stand."""
    end = 0
    for _, word in zip(range(count), UNIT.finditer(text)):
        end = word.end()
    return text[:end]
