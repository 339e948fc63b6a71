"""A sequence read from first to last: what may follow each step, or a label from the last one. B batch, T time, D width,
A alphabet.

A token's vector is read from one table, and where weights are tied the same table writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from modelwright.models.decoder import Decoder
from modelwright.models.networks.attention import Memory
from modelwright.models.networks.blocks import Block, adding, normal
from modelwright.models.networks.encoding import Places
from modelwright.models.networks.heads import Dropout, Heads
from modelwright.models.networks.initialisation import start_layer, start_small
from modelwright.models.networks.inputs import Steps
from modelwright.models.networks.unformed import Unformed, formed
from modelwright.models.networks.views import View
from modelwright.nouns import Batch, Port, Tokens


class Decoding(nn.Module):
    """For a port of Tokens: logits (B, T, A), not yet formed. For any other: what its head makes of the last real step."""

    def __init__(self, port: Port, writes: tuple[Port, ...], family: Decoder) -> None:
        super().__init__()
        assert isinstance(port.kind, Tokens)
        shape = family.attending
        self.name, self.longest = port.name, port.kind.longest
        self.told = tuple(one.name for one in writes if isinstance(one.kind, Tokens))
        self.steps = Steps(port.kind, shape.width)
        self.places = Places(port.kind.longest, shape.width) if not shape.base else None
        self.blocks = nn.ModuleList(Block(shape) for _ in range(family.depth))
        self.end = normal(shape)
        self.dropout = Dropout(family.dropout)
        self.write: nn.Linear | None = None
        if self.told and not family.tied:
            self.write = nn.Linear(shape.width, port.kind.alphabet, bias=False)
            start_layer(self.write)
        self.heads = Heads(shape.width, tuple(one for one in writes if not isinstance(one.kind, Tokens)))
        if self.told:
            start_small(self, shape.width, [layer for block in self.blocks for layer in adding(block)])

    def forward(self, batch: Batch) -> Mapping[str, Tensor]:
        """Padding stands at the end of a row."""
        tokens, mask, document = batch[self.name], batch["mask"], batch.get("document")
        view = View.begun(mask) if document is None else View.back(mask, mask.shape[1], document)
        states = self._read(tokens, mask, view, None)
        others = self.heads(self.dropout(_last(states, mask))) if self.heads.ports else {}
        return Unformed(states, self.table, self.told, others) if self.told else others

    def states(
        self, tokens: Tensor, mask: Tensor, memories: Sequence[Memory] | None = None, document: Tensor | None = None
    ) -> Tensor:
        """(B, T, D) of these tokens (B, T); mask (B, S) tells of the steps in memory too, which came before; document (B, T)
        which of several each step belongs to."""
        fresh = tokens.shape[1]
        view = View.back(mask, fresh, document)
        if document is None and (fresh in (1, mask.shape[1])) and mask.all():  # nothing stands before them that is not seen
            view = View(view.places, None, later=False)
        return self._read(tokens, mask[:, -fresh:], view, memories)

    def _read(self, tokens: Tensor, mask: Tensor, view: View, memories: Sequence[Memory] | None) -> Tensor:
        x = self.steps(tokens, mask)
        x = self.dropout(x if self.places is None else self.places(x, view.places))
        for place, block in enumerate(self.blocks):
            x = block(x, view, memories[place] if memories is not None else None)
        return self.end(x)

    def logits(self, states: Tensor) -> Tensor:
        """(B, T, A), float32 at least."""
        return formed(states, self.table)

    @property
    def table(self) -> Tensor:
        """(A, D): what tokens are written with."""
        assert self.steps.table is not None
        return self.steps.table.weight if self.write is None else self.write.weight

    def memories(self) -> list[Memory]:
        """One for each block, empty."""
        return [Memory() for _ in self.blocks]


def _last(states: Tensor, mask: Tensor) -> Tensor:
    """(B, D): the last real step's; zeros of a row with none."""
    steps = torch.arange(mask.shape[1], device=mask.device)
    last = torch.where(mask, steps, -1).amax(1)
    found = states[torch.arange(len(states), device=states.device), last.clamp_min(0)]
    return torch.where((last >= 0).unsqueeze(1), found, torch.zeros_like(found))
