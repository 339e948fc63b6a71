"""A decoder goes on from where prompts end. Verb: generate. B batch, A alphabet.

What is said depends on a prompt and the seed alone, never on the prompts beside it: a row draws from a generator of its own,
and it ends at a place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelwright.data.chance import chance
from modelwright.models.guiding import Guide
from modelwright.models.reading import Reading, Writer, refuse_unreadable
from modelwright.models.sampling import Sampling, chosen, permitted

if TYPE_CHECKING:
    from torch import Generator


@dataclass
class Text:
    """One that is gone on with."""

    tokens: list[int]
    """The prompt's, then those that were said."""
    left: int
    """How many may yet be said."""
    draw: Generator
    guide: Guide | None = None
    over: bool = field(default=False, init=False)
    """It came to an end of its own."""


def begun(prompt: Sequence[int], how: Sampling, guide: Guide | None = None) -> Text:
    import torch

    return Text(list(prompt), how.most, torch.Generator().manual_seed(chance(how.seed, "draw", *prompt)), guide)


def generate(module: Writer, prompts: Sequence[Sequence[int]], how: Sampling) -> list[list[int]]:
    """The new tokens of each prompt, without the one it stopped at. Refused: an empty prompt, or one that fills the model."""
    texts = [begun(prompt, how) for prompt in prompts]
    refuse_unreadable(module, prompts)
    for _ in window(module, texts, how):
        pass
    return [text.tokens[len(prompt) :] for text, prompt in zip(texts, prompts, strict=True)]


def onward(module: Writer, texts: Sequence[Text], how: Sampling) -> Iterator[list[int | None]]:
    """One new token of each text at a time, None for those that say nothing; ends when all are over or have said enough.

    Where a model's places are full, the last half of a text is read again and it goes on from there."""
    while going := [place for place, text in enumerate(texts) if text.left and not text.over]:
        for step in window(module, [texts[place] for place in going], how):
            found: list[int | None] = [None] * len(texts)
            for place, token in zip(going, step, strict=True):
                found[place] = token
            yield found


def window(module: Writer, texts: Sequence[Text], how: Sampling) -> Iterator[list[int | None]]:
    """The same, up to where the model's places are full."""
    shown = [kept(text.tokens, module.longest) for text in texts]
    room = [module.longest - len(tokens) for tokens in shown]
    reading = Reading(module, shown, heard=how.repetition != 1)
    living = list(range(len(texts)))
    while living:
        beside = [texts[place] for place in living]
        new = chosen(permitted(reading, how, [text.guide for text in beside]), how, [text.draw for text in beside])
        step: list[int | None] = [None] * len(texts)
        for place, text, token in zip(living, beside, new.tolist(), strict=True):
            step[place] = _say(text, token, how)
            room[place] -= 1
        if any(token is not None for token in step):
            yield step
        on = [row for row, place in enumerate(living) if texts[place].left and not texts[place].over and room[place]]
        if len(on) < len(living):
            living, new = [living[row] for row in on], new[on]
            reading.pick(on)
        if living:
            reading.read(new)


def kept(text: list[int], longest: int) -> list[int]:
    """What is read of a text: all, or the last half of a model's places where it would fill them."""
    return text if len(text) < longest else text[-max(1, longest // 2) :]


def _say(text: Text, token: int, how: Sampling) -> int | None:
    """The token, or None where it ends the text."""
    if token in how.stop:
        text.over = True
        return None
    text.tokens.append(token)
    text.left -= 1
    text.over = text.guide is not None and not text.guide.told(token)
    return token
