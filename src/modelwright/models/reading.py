"""What a decoder has read of several texts, so that no token is read twice. B texts, T time, S steps read, A alphabet.

Texts of unequal length stand in one batch, padded on the left: their ends are one column, and each new token is one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

    from modelwright.models.networks.attention import Memory


class Writer(Protocol):
    """What is read so: a decoder, or a network that has read another text and now replies (networks/replying.py)."""

    @property
    def longest(self) -> int: ...

    def parameters(self) -> Iterator[Tensor]: ...

    def memories(self) -> Sequence[Memory]: ...

    def states(self, tokens: Tensor, mask: Tensor, memories: Sequence[Memory] | None = None) -> Tensor: ...

    def logits(self, states: Tensor) -> Tensor: ...


class Reading:
    """Some texts, read to their ends; `logits` tell what may follow each."""

    def __init__(self, module: Writer, texts: Sequence[Sequence[int]], heard: bool = False) -> None:
        """heard: what stands in each text is kept in `said`. Refused: an empty text, or one that fills the model."""
        import torch

        refuse_unreadable(module, texts)
        longest = max(map(len, texts))
        tokens = torch.tensor([[0] * (longest - len(text)) + list(text) for text in texts])
        self.module, self.memories = module, module.memories()
        self.mask = torch.tensor([[False] * (longest - len(text)) + [True] * len(text) for text in texts])
        self.logits = self._logits(tokens)
        self.said: Tensor | None = None
        """bool (B, A)"""
        if heard:
            counts = torch.zeros(self.logits.shape, dtype=torch.int64)
            self.said = counts.scatter_add_(1, tokens, self.mask.long()) > 0

    def read(self, tokens: Tensor) -> None:
        """int64 (B,): one more of each text."""
        import torch

        self.mask = torch.cat([self.mask, self.mask.new_ones(len(tokens), 1)], dim=1)
        self.logits = self._logits(tokens.unsqueeze(1))
        if self.said is not None:
            self.said.scatter_(1, tokens.unsqueeze(1), True)

    def pick(self, rows: Sequence[int]) -> None:
        """Goes on with these texts alone, some of them perhaps several times."""
        import torch

        places = torch.tensor(rows, dtype=torch.int64)
        self.mask, self.logits = self.mask[places], self.logits[places]
        self.said = None if self.said is None else self.said[places]
        for memory in self.memories:
            memory.pick(places)

    def _logits(self, fresh: Tensor) -> Tensor:
        """(B, A) after the last of these tokens (B, T)."""
        import torch

        device = next(self.module.parameters()).device
        with torch.inference_mode():
            states = self.module.states(fresh.to(device), self.mask.to(device), self.memories)
            return self.module.logits(states[:, -1:])[:, 0].cpu()


def refuse_unreadable(module: Writer, texts: Sequence[Sequence[int]]) -> None:
    """Refused: an empty text, or one that leaves no place for another token."""
    if not texts or not all(texts):
        raise Refused(say("A prompt is empty: give at least one token to go on from."))
    longest = max(map(len, texts))
    if longest >= module.longest:
        raise Refused(say("A prompt has {n} tokens; this model reads {most} at most.", n=longest, most=module.longest))
