"""What a port becomes inside a network: floats. B batch, C channels, H height, W width, T time, D width of a step.

A mask (B, T) is true where a step is real. What lies under false, even NaN, never reaches an answer or a gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from modelwright.models.networks.initialisation import start_embedding
from modelwright.nouns import Batch, Cells, Image, Numbers, Port, Series, Tokens


class Scaled(nn.Module):
    """Pictures uint8 (B, C, H, W) -> float (B, C, H, W), the training rows' mean taken off, divided by their spread."""

    def __init__(self, image: Image) -> None:
        super().__init__()
        self.mean: Tensor
        self.inverse: Tensor
        self.register_buffer("mean", torch.tensor(image.mean).reshape(1, -1, 1, 1))
        self.register_buffer("inverse", 1 / torch.tensor(image.spread).reshape(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels.float() - self.mean).mul_(self.inverse)


class Steps(nn.Module):
    """A sequence -> float (B, T, D): tokens int64 (B, T) are looked up, a series (B, T, D) is itself; padding is zeros."""

    def __init__(self, port: Tokens | Series, embedding: int) -> None:
        super().__init__()
        self.table: nn.Embedding | None = None
        self.width = port.count if isinstance(port, Series) else embedding
        self.padding = port.padding if isinstance(port, Tokens) else None
        if isinstance(port, Tokens):
            self.table = nn.Embedding(port.alphabet, embedding, padding_idx=port.padding)
            start_embedding(self.table)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        if self.table is not None:
            if self.padding == 0:
                return self.table(steps * mask)  # its vector is zeros
            return self.table(steps * mask) * mask.unsqueeze(-1)
        return torch.where(mask.unsqueeze(-1), steps, torch.zeros_like(steps))


class Flat(nn.Module):
    """All that is read, side by side as one vector (B, F): pictures flattened, sequences as the mean of their real steps."""

    def __init__(self, reads: tuple[Port, ...], embedding: int) -> None:
        super().__init__()
        self.names = tuple(port.name for port in reads)
        self.doors = nn.ModuleList(_door(port, embedding) for port in reads)
        self.width = sum(_width(port, embedding) for port in reads)

    def forward(self, batch: Batch) -> Tensor:
        parts = [door(batch[name], batch) for name, door in zip(self.names, self.doors)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class FlatNumbers(nn.Module):
    """(B, F) as it is."""

    def forward(self, numbers: Tensor, batch: Batch) -> Tensor:
        return numbers


class FlatCells(nn.Module):
    """Cells (B, K) -> (B, F): numbers as they are, a choice as 1 in its slot; of none, zeros.

    What it remembers follows from the port alone, so no state holds it, and it is there in a module built without memory."""

    def __init__(self, cells: Cells) -> None:
        super().__init__()
        self.column: Tensor
        self.place: Tensor
        self.number: Tensor
        slots = [(column, place) for column, choices in enumerate(cells.choices) for place in range(max(1, choices))]
        column, place = torch.tensor(slots, device="cpu").reshape(-1, 2).unbind(1)
        self.register_buffer("column", column.contiguous(), persistent=False)
        self.register_buffer("place", place.float(), persistent=False)
        self.register_buffer("number", torch.tensor(cells.choices, device="cpu")[column] == 0, persistent=False)
        self.plain = not any(cells.choices)

    def forward(self, cells: Tensor, batch: Batch) -> Tensor:
        if self.plain:
            return cells
        spread = cells.index_select(1, self.column)
        return torch.where(self.number, spread, (spread == self.place).to(cells.dtype))


class FlatPicture(nn.Module):
    """uint8 (B, C, H, W) -> (B, C * H * W)."""

    def __init__(self, image: Image) -> None:
        super().__init__()
        self.scaled = Scaled(image)

    def forward(self, pixels: Tensor, batch: Batch) -> Tensor:
        return self.scaled(pixels).flatten(1)


class FlatSteps(nn.Module):
    """A sequence -> the mean over its real steps (B, D); of a row with no step, zeros."""

    def __init__(self, port: Tokens | Series, embedding: int) -> None:
        super().__init__()
        self.steps = Steps(port, embedding)

    def forward(self, steps: Tensor, batch: Batch) -> Tensor:
        mask = batch["mask"]
        values = self.steps(steps, mask)
        return values.sum(1) / mask.sum(1, keepdim=True).clamp_min(1).to(values.dtype)


def _door(port: Port, embedding: int) -> nn.Module:
    if isinstance(port.kind, Image):
        return FlatPicture(port.kind)
    if isinstance(port.kind, Cells):
        return FlatCells(port.kind)
    return FlatSteps(port.kind, embedding) if isinstance(port.kind, (Tokens, Series)) else FlatNumbers()


def _width(port: Port, embedding: int) -> int:
    kind = port.kind
    if isinstance(kind, Image):
        return kind.channels * kind.height * kind.width
    if isinstance(kind, Cells):
        return kind.width
    if isinstance(kind, Tokens):
        return embedding
    assert isinstance(kind, (Series, Numbers))
    return kind.count
