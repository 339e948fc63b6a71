"""One sequence read as a whole, another written from first to last. B batch, S steps read, T steps written, D width, H heads,
A alphabet. Knows no word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from modelwright.models.encoder_decoder import EncoderDecoder
from modelwright.models.networks.attention import Memory
from modelwright.models.networks.blocks import Block, CrossBlock, normal
from modelwright.models.networks.heads import Dropout
from modelwright.models.networks.initialisation import start_layer
from modelwright.models.networks.inputs import Steps
from modelwright.models.networks.positions import Buckets, Waves
from modelwright.models.networks.unformed import Unformed, formed
from modelwright.models.networks.views import View
from modelwright.nouns import Batch, Gaps, Port, Reply, Tokens


@dataclass(frozen=True)
class Read:
    """What was read, as the blocks that write look at it: it is looked up once, however much is written."""

    pairs: list[tuple[Tensor, Tensor]]
    """For each block its keys and values (B, H, S, E)."""
    mask: Tensor
    """bool (B, S)"""


class Replying(nn.Module):
    """logits (B, T, A), not yet formed: what may follow each step of what is written, given what was read."""

    def __init__(self, source: Port, before: Port, writes: Port, family: EncoderDecoder) -> None:
        super().__init__()
        assert isinstance(source.kind, Tokens) and isinstance(before.kind, Tokens) and isinstance(writes.kind, (Reply, Gaps))
        shared = isinstance(writes.kind, Gaps) or writes.kind.shared
        shape = family.attending
        self.source, self.before, self.told, self.longest = source.name, before.name, writes.name, before.kind.longest
        self.read_times = shape.width**0.5 if family.balance == "reading" else 1.0
        self.write_times = shape.width**-0.5 if family.balance == "writing" else 1.0
        self.steps = Steps(source.kind, shape.width)
        self.said = None if shared else Steps(before.kind, shape.width)
        self.places = Waves() if family.positions == "sinusoidal" else None
        blocks = family.depth if family.writing == "auto" else family.writing
        self.reader = nn.ModuleList(Block(shape) for _ in range(family.depth))
        self.writer = nn.ModuleList(CrossBlock(shape) for _ in range(blocks))
        self.ends = nn.ModuleList(normal(shape) if family.order == "pre" else nn.Identity() for _ in range(2))
        self.buckets = nn.ModuleList(
            Buckets(family.buckets, family.far, shape.heads, both) for both in (True, False) if family.positions == "buckets"
        )
        self.dropout = Dropout(family.dropout)
        self.write: nn.Linear | None = None
        if not family.tied:
            self.write = nn.Linear(shape.width, writes.kind.alphabet, bias=False)
            start_layer(self.write)

    def forward(self, batch: Batch) -> Mapping[str, Tensor]:
        read = self.read(batch[self.source], batch["mask"])
        states = self.states(read, batch[self.before], batch[f"{self.before}_mask"])
        return Unformed(states * self.write_times, self.table, (self.told,), {})

    def read(self, tokens: Tensor, mask: Tensor) -> Read:
        """tokens int64 and mask bool (B, S)"""
        view = View.whole(mask)
        if self.buckets:
            view = view.biased(self.buckets[0](view.places, view.places))
        x = self._entered(self.steps, tokens, mask, view)
        for block in self.reader:
            x = block(x, view)
        x = self.dropout(self.ends[0](x))
        return Read([block.cross.pair(x) for block in self._writer()], mask)

    def states(self, read: Read, tokens: Tensor, mask: Tensor, memories: Sequence[Memory] | None = None) -> Tensor:
        """(B, T, D) of these tokens (B, T); mask (B, S) tells of the steps in memory too, which came before."""
        fresh = tokens.shape[1]
        view, across = View.back(mask, fresh), View.of(read.mask, fresh)
        if self.buckets:
            seen = (mask.long().cumsum(1) - 1).clamp_min(0)
            view = view.biased(self.buckets[1](view.places, seen))
        x = self._entered(self.said or self.steps, tokens, mask[:, -fresh:], view)
        for place, (block, other) in enumerate(zip(self.writer, read.pairs)):
            x = block(x, view, other, across, memories[place] if memories is not None else None)
        return self.dropout(self.ends[1](x))

    def logits(self, states: Tensor) -> Tensor:
        """(B, T, A), float32 at least."""
        return formed(states * self.write_times, self.table)

    @property
    def table(self) -> Tensor:
        """(A, D): what tokens are written with."""
        table = (self.said or self.steps).table
        assert table is not None
        return table.weight if self.write is None else self.write.weight

    def _entered(self, steps: Steps, tokens: Tensor, mask: Tensor, view: View) -> Tensor:
        x = steps(tokens, mask) * self.read_times
        return self.dropout(x if self.places is None else self.places(x, view.places))

    def _writer(self) -> Iterator[CrossBlock]:
        for block in self.writer:
            assert isinstance(block, CrossBlock)
            yield block


class Recall(Memory):
    """Memory of a block that writes: its own steps, and its keys and values of what was read."""

    def __init__(self, pair: tuple[Tensor, Tensor], mask: Tensor) -> None:
        super().__init__()
        self.pair, self.mask = pair, mask

    def pick(self, rows: Tensor) -> None:
        super().pick(rows)
        (key, value), rows = self.pair, rows.to(self.mask.device)
        self.pair, self.mask = (key[rows], value[rows]), self.mask[rows]


class Spoken:
    """A module that has read: from here it is gone on with as a decoder is, token by token, each row of its own."""

    def __init__(self, module: Replying, read: Read) -> None:
        self.module, self.read, self.longest = module, read, module.longest

    def parameters(self) -> Iterator[Tensor]:
        return self.module.parameters()

    def memories(self) -> list[Recall]:
        """One for each block that writes: nothing is said yet."""
        return [Recall(pair, self.read.mask) for pair in self.read.pairs]

    def states(self, tokens: Tensor, mask: Tensor, memories: Sequence[Memory] | None = None) -> Tensor:
        """Of the rows that the memories are left with."""
        recalled = [memory for memory in memories or () if isinstance(memory, Recall)]
        read = Read([memory.pair for memory in recalled], recalled[0].mask) if recalled else self.read
        return self.module.states(read, tokens, mask, memories)

    def logits(self, states: Tensor) -> Tensor:
        return self.module.logits(states)
