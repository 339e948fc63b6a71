"""What a port becomes inside a network: floats. B batch, C channels, H height, W width, T time, D width of a token."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from modelwright.models.networks.initialisation import spread_embedding
from modelwright.nouns import Batch, Image, Numbers, Port, Series, Tokens


class Scaled(nn.Module):
    """Pictures uint8 (B, C, H, W) -> float (B, C, H, W), the training rows' mean taken off, divided by their spread."""

    def __init__(self, image: Image) -> None:
        super().__init__()
        self.mean: Tensor
        self.inverse: Tensor
        self.register_buffer("mean", torch.tensor(image.mean).reshape(1, -1, 1, 1))
        self.register_buffer("inverse", 1 / torch.tensor(image.spread).reshape(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels.float() - self.mean) * self.inverse


class Embedded(nn.Module):
    """Tokens int (B, T) -> (B, T, D); padding is the zero vector."""

    def __init__(self, tokens: Tokens, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(tokens.alphabet, width, padding_idx=0)
        spread_embedding(self.table)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.table(tokens)


class Flat(nn.Module):
    """Every port that is read, side by side as one vector (B, F): pictures flattened, sequences as the mean of their real steps."""

    def __init__(self, reads: tuple[Port, ...], embedding: int) -> None:
        super().__init__()
        self.names = tuple(port.name for port in reads)
        self.doors = nn.ModuleList(_door(port, embedding) for port in reads)
        self.width = sum(_width(port, embedding) for port in reads)

    def forward(self, batch: Batch) -> Tensor:
        parts = [door(batch[name], batch) for name, door in zip(self.names, self.doors)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class FlatPicture(Scaled):
    def forward(self, pixels: Tensor, batch: Batch) -> Tensor:
        return super().forward(pixels).flatten(1)


class FlatNumbers(nn.Module):
    def forward(self, numbers: Tensor, batch: Batch) -> Tensor:
        return numbers


class FlatSteps(nn.Module):
    """(B, T) tokens or (B, T, F) numbers -> the mean over real steps (B, D)."""

    def __init__(self, embed: nn.Module) -> None:
        super().__init__()
        self.embed = embed

    def forward(self, steps: Tensor, batch: Batch) -> Tensor:
        values = self.embed(steps)
        real = batch["mask"].unsqueeze(-1).to(values.dtype)
        return (values * real).sum(1) / real.sum(1).clamp_min(1)


def _door(port: Port, embedding: int) -> nn.Module:
    if isinstance(port.kind, Image):
        return FlatPicture(port.kind)
    if isinstance(port.kind, Tokens):
        return FlatSteps(Embedded(port.kind, embedding))
    return FlatSteps(nn.Identity()) if isinstance(port.kind, Series) else FlatNumbers()


def _width(port: Port, embedding: int) -> int:
    kind = port.kind
    if isinstance(kind, Image):
        return kind.channels * kind.height * kind.width
    if isinstance(kind, Tokens):
        return embedding
    assert isinstance(kind, (Series, Numbers))
    return kind.count
