"""Small tensors for each kind of port, drawn by one generator. B batch, C channels, H height, W width, T time, F features."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelwright.nouns import (
    Batch,
    Cells,
    Classes,
    Hidden,
    Image,
    Numbers,
    Port,
    PortKind,
    Reply,
    Series,
    Tagged,
    Tokens,
    Vector,
)

if TYPE_CHECKING:
    from torch import Generator, Tensor

ROWS = 8
LENGTHS = (6, 3, 1, 0, 6, 5, 2, 4)
"""Real steps of each row; the fourth has none at all."""
READ: tuple[PortKind, ...] = (
    Numbers(5),
    Cells((0, 3, 0, 1, 4)),
    Image(3, 32, 32, (120.0, 110.0, 100.0), (60.0, 55.0, 65.0)),
    Tokens(13, 9),
    Series(4, 9),
)
WRITTEN: tuple[PortKind, ...] = (Classes(("ant", "bee", "cat")), Classes(("no", "yes"), sigmoid=True), Numbers(2))
REPLIES: tuple[PortKind, ...] = (Reply(13, 9, shared=True), Reply(11, 9))
"""What a family may write that writes no label."""
TAGS = Tagged(("O", "B-ant", "I-ant", "B-bee"))
FOLLOWING, HIDDEN = Tokens(13, 9), Hidden(13, 9)
"""In the tokens that are read."""
VECTORS: tuple[Vector, ...] = (Vector(6, unit=True), Vector(6, unit=False))
"""Their width is the family's own, where it has one."""
SAID = (4, 6, 2, 1, 5, 1, 3, 6)
"""Steps of a reply that were said before the one to foretell; none has no step, since its beginning is one."""


def sample(port: PortKind, label: Port, seed: int = 0) -> Batch:
    """A batch as a feed makes one: inputs, mask where there are steps, the label, row."""
    import torch

    chance = torch.Generator().manual_seed(seed)
    batch = {"inputs": values(port, ROWS, max(LENGTHS), chance), "row": torch.arange(ROWS)}
    if isinstance(port, (Tokens, Series)):
        batch["mask"] = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS).unsqueeze(1)
        batch["inputs"] = _blank(batch["inputs"], batch["mask"])
    if isinstance(label.kind, Reply):
        real = torch.arange(max(SAID)) < torch.tensor(SAID).unsqueeze(1)
        before, follows = (values(label.kind, ROWS, max(SAID), chance) * real for _ in range(2))
        return batch | {"before": before, "before_mask": real, label.name: follows, "bears": real}
    if isinstance(label.kind, (Tagged, Tokens)):
        return batch | worded(label, batch["mask"], chance)
    if isinstance(label.kind, Vector):
        other, real = values(port, ROWS, max(LENGTHS), chance), batch["mask"].roll(1, 0)
        return batch | {"other": _blank(other, real), "other_mask": real, **pairs()}
    batch[label.name] = labels(label.kind, chance)
    return batch


def worded(label: Port, mask: Tensor, chance: Generator) -> Batch:
    """What is written of steps: of every real one what follows it; of every other one a tag, or what it hides."""
    import torch

    assert isinstance(label.kind, (Tagged, Tokens))
    every = type(label.kind) is Tokens
    bears = mask & (every | (torch.arange(mask.shape[1]) % 2 == torch.arange(len(mask)).unsqueeze(1) % 2))
    choices = len(label.kind.tags) if isinstance(label.kind, Tagged) else label.kind.alphabet
    return {"bears": bears, label.name: torch.randint(choices, mask.shape, generator=chance) * bears}


def pairs() -> Batch:
    """Texts that are all different, each with a partner that means the same."""
    import torch

    rows = torch.arange(ROWS)
    return {"key": rows, "other_key": ROWS + rows, "alike": torch.ones(ROWS, dtype=torch.bool)}


def values(port: PortKind, rows: int, steps: int, chance: Generator) -> Tensor:
    """What a port may hold, nothing of it padding."""
    import torch

    if isinstance(port, Image):
        return torch.randint(0, 256, (rows, port.channels, port.height, port.width), dtype=torch.uint8, generator=chance)
    if isinstance(port, Tokens):
        return torch.randint(1, port.alphabet, (rows, steps), generator=chance)
    if isinstance(port, Series):
        return torch.randn(rows, steps, port.count, generator=chance)
    if isinstance(port, Cells):
        drawn = torch.randn(rows, len(port.choices), generator=chance)
        for column, choices in enumerate(port.choices):
            if choices:  # a place below 0 is none of them
                drawn[:, column] = torch.randint(-1, choices, (rows,), generator=chance).float()
        return drawn
    assert isinstance(port, Numbers)
    return torch.randn(rows, port.count, generator=chance)


def labels(port: PortKind, chance: Generator) -> Tensor:
    import torch

    if isinstance(port, Classes):
        return torch.arange(ROWS) % len(port.names)
    assert isinstance(port, Numbers)
    return torch.randn(ROWS, port.count, generator=chance)


def longer(batch: Batch, port: PortKind, seed: int = 1) -> Batch:
    """The same rows with three more steps of padding, and with something else under every false of a mask."""
    import torch

    chance = torch.Generator().manual_seed(seed)
    found, more = dict(batch), 3
    for name, mask_name in (("inputs", "mask"), ("before", "before_mask")):
        if name not in batch:
            continue
        mask = torch.cat([batch[mask_name], torch.zeros(ROWS, more, dtype=torch.bool)], dim=1)
        other = values(replace(port), ROWS, mask.shape[1], chance).clamp_max(batch[name].max())
        old = torch.cat([batch[name], torch.zeros_like(other[:, :more])], dim=1)
        found[name], found[mask_name] = torch.where(mask if old.ndim == 2 else mask.unsqueeze(-1), old, other), mask
    if "bears" in batch and "before" not in batch:  # words and their tags stand in the steps that are read
        found["bears"] = torch.nn.functional.pad(batch["bears"], (0, more))
    return found


def some(batch: Batch, rows: list[int]) -> Batch:
    """These rows of a batch, in this order."""
    return {name: tensor[rows] for name, tensor in batch.items()}


def _blank(steps: Tensor, mask: Tensor) -> Tensor:
    import torch

    shown = mask if steps.ndim == 2 else mask.unsqueeze(-1)
    return torch.where(shown, steps, torch.zeros_like(steps))
