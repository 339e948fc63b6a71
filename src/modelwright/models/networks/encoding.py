"""A sequence read as a whole: steps, places, blocks of attention, one vector for the heads. B batch, T time, D width."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from modelwright.models.activations import made
from modelwright.models.encoder import Encoder
from modelwright.models.networks.blocks import Block, normal
from modelwright.models.networks.guessing import Guess
from modelwright.models.networks.heads import Dropout, Heads, full
from modelwright.models.networks.initialisation import start_embedding, start_layer
from modelwright.models.networks.inputs import Steps
from modelwright.models.networks.views import View
from modelwright.nouns import Batch, Hidden, Port, Series, Tagged, Tokens, Vector


class Encoding(nn.Module):
    """Its answer is that of the real steps alone; of a row with none, the heads read zeros."""

    def __init__(self, port: Port, writes: tuple[Port, ...], family: Encoder) -> None:
        super().__init__()
        assert isinstance(port.kind, (Tokens, Series))
        shape = family.attending
        self.name, self.first = port.name, family.answer == "first"
        self.steps = Steps(port.kind, shape.width)
        self.wide = Wide(self.steps.width, shape.width) if isinstance(port.kind, Series) else nn.Identity()
        self.places = Places(port.kind.longest, shape.width) if not shape.base else None
        self.start = normal(shape) if family.order == "post" else nn.Identity()
        self.blocks = nn.ModuleList(Block(shape) for _ in range(family.depth))
        self.end = normal(shape) if family.order == "pre" else nn.Identity()
        self.dropout = Dropout(family.dropout)
        self.units = {port.name: port.kind.unit for port in writes if isinstance(port.kind, Vector)}
        self.hidden = tuple(port.name for port in writes if isinstance(port.kind, Hidden))
        read = self.steps.table
        self.guess = Guess(shape.width, read.num_embeddings, shape.epsilon) if self.hidden and read is not None else None
        self.tags = any(isinstance(port.kind, Tagged) for port in writes)
        told = (*self.units, *self.hidden)
        labels = tuple(port for port in writes if port.name not in told)
        bend = family.pooler if labels and not self.tags else "none"
        self.pool = nn.Identity() if bend == "none" else Pool(shape.width, bend)
        self.heads = Heads(shape.width, labels)

    def forward(self, batch: Batch) -> Batch:
        states = self.states(batch)
        if self.guess is not None:
            assert self.steps.table is not None
            guessed: Tensor = self.guess(self.dropout(states[batch["bears"]]), self.steps.table.weight)
            return dict.fromkeys(self.hidden, guessed)
        if self.tags:
            return self.heads(self.dropout(states[batch["bears"]]))
        answer = self._answer(states, batch["mask"])
        wide = full(answer)
        vectors = {name: F.normalize(wide, dim=1) if unit else wide for name, unit in self.units.items()}
        return {**vectors, **self.heads(self.dropout(self.pool(answer)))}

    def states(self, batch: Batch) -> Tensor:
        """(B, T, D): what each step has become. Under padding it means nothing."""
        mask = batch["mask"]
        view = View.whole(mask, batch.get("document"))
        x = self.wide(self.steps(batch[self.name], mask))
        x = self.dropout(self.start(x if self.places is None else self.places(x, view.places)))
        for block in self.blocks:
            x = block(x, view)
        return self.end(x)

    def _answer(self, states: Tensor, mask: Tensor) -> Tensor:
        """(B, D)"""
        if self.first:
            return states[:, 0] * mask[:, :1].to(states.dtype)
        real = torch.where(mask.unsqueeze(-1), states, torch.zeros_like(states))
        return real.sum(1) / mask.sum(1, keepdim=True).clamp_min(1).to(states.dtype)


class Wide(nn.Linear):
    """The numbers of a step (B, T, F) -> (B, T, D)."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__(count, width)
        start_layer(self)


class Pool(nn.Linear):
    """The answer (B, D) -> (B, D), as heads of labels read it."""

    def __init__(self, width: int, bend: Literal["tanh", "relu"]) -> None:
        super().__init__(width, width)
        self.bend = made(bend)
        start_layer(self)

    def forward(self, input: Tensor) -> Tensor:
        return self.bend(super().forward(input))


class Places(nn.Module):
    """Adds to each step the vector of its place, learned as words are."""

    def __init__(self, longest: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(longest, width)
        start_embedding(self.table)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        return x + self.table(places)
