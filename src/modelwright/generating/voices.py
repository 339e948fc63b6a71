"""Prompts that are answered side by side, each shown as it is said, and free to leave before its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from modelwright.generating.begun import Begun
from modelwright.generating.keeping import Keeping
from modelwright.generating.ordering import Said, ordered, searched, started, writer_of
from modelwright.nouns import Artifact

if TYPE_CHECKING:
    from modelwright.generating.saying import Saying
    from modelwright.models.generation import Text
    from modelwright.models.sampling import Sampling

Ended: TypeAlias = Literal["end", "stop", "tokens"]
"""Of itself (or its form is whole), at a stop word, or all tokens that it may say are said."""


@dataclass(eq=False)
class Voice:
    """One answer as it is said."""

    begun: Begun
    how: Sampling
    keeping: Keeping
    left: bool = field(default=False, init=False)
    """Nobody listens any more: set from wherever, it says nothing after the next token."""
    said: Said | None = field(default=None, init=False)
    """The whole answer, once it is."""
    ended: Ended = field(default="end", init=False)

    def beside(self, other: Voice) -> bool:
        """Whether the two can be said side by side: tokens are chosen alike but for seed and number."""
        own, their = (replace(one.how, seed=0, most=1) for one in (self, other))
        return own == their and self.how.beams == 1


def speak(artifact: Artifact, voices: Sequence[Voice]) -> Iterator[tuple[Voice, str]]:
    """Pieces as they are said; after its last one a voice has its `said`. The voices fit beside each other, or there is one."""
    from modelwright.models.generation import onward

    own = [ordered(artifact, voice.how, voice.keeping, 1) for voice in voices]
    how, sayings = own[0][0], [saying for _, (saying,) in own]
    if how.beams > 1:
        (voice,) = voices
        voice.said = searched(artifact, voice.begun, how, sayings[0])
        voice.ended = "stop" if sayings[0].stopped else "end" if voice.said.tokens < how.most else "tokens"
        yield voice, voice.said.text
        return
    texts = [started(voice.begun, each, saying) for voice, (each, _), saying in zip(voices, own, sayings, strict=True)]
    living = dict(enumerate(voices))
    shown = ["" for _ in voices]
    for _ in onward(writer_of(artifact, [voice.begun for voice in voices]), texts, how):
        for place, voice in list(living.items()):
            over = voice.left or texts[place].over or not texts[place].left
            texts[place].over = over
            piece = sayings[place].ready()
            if over:
                piece += _finished(living.pop(place), texts[place], sayings[place], shown[place] + piece)
            shown[place] += piece
            if piece or over:
                yield voice, piece
    for place, voice in living.items():
        yield voice, _finished(voice, texts[place], sayings[place], shown[place])


def _finished(voice: Voice, text: Text, saying: Saying, shown: str) -> str:
    """What is left to show."""
    piece = saying.finish()
    voice.said = Said(shown + piece, len(text.tokens) - len(voice.begun.spoken), saying.whole)
    voice.ended = "stop" if saying.stopped else "end" if text.left else "tokens"
    return piece
