"""Objective: of all texts of a batch, find the one that means the same (InfoNCE). B batch, D width, N candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from modelwright.nouns import Aim, Batch, Port, Positive, Vector

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class Contrastive:
    """The mean over pairs of -ln softmax(cosines of the anchor and every candidate / temperature) at its own positive.

    Candidates are the positives of the whole batch and its negatives, but for those that say the same as the anchor or as one
    of its positives (van den Oord et al., https://arxiv.org/abs/1807.03748; in-batch: https://arxiv.org/abs/1705.00652).

    The batch is the question: a micro-batch would ask another one, with fewer candidates. So it is not cut: accumulation and
    several processes are refused, and more candidates are had by training.batch alone. On rows held back the loss has as many
    candidates as are judged at a time."""

    fits: ClassVar[tuple[type, ...]] = (Vector,)

    temperature: Positive = 0.05

    def ready(self, writes: tuple[Port, ...]) -> Aim:
        (port,) = writes
        return Finding({port.name: 1.0}, port.name, self.temperature)


@dataclass(frozen=True)
class Finding:
    """InfoNCE of one port of vectors, live."""

    weights: Mapping[str, float]
    name: str
    temperature: float

    def counts(self, batch: Batch) -> Mapping[str, Tensor]:
        return {self.name: _weights(batch).sum()}

    def __call__(self, models: Mapping[str, Module], batch: Batch) -> Mapping[str, Tensor]:
        import torch
        from torch.nn import functional as F  # noqa: N812 torch's own name for it

        sides = [("inputs", "mask"), ("other", "other_mask"), ("against", "against_mask")]
        there = [{"inputs": batch[side], "mask": batch[mask]} for side, mask in sides if side in batch]
        written = [models["model"](texts)[self.name] for texts in there]
        with torch.autocast(written[0].device.type, enabled=False):
            wide = torch.promote_types(written[0].dtype, torch.float32)
            anchors, *others = [F.normalize(vectors.to(wide), dim=1) for vectors in written]
            cosines = anchors @ torch.cat(others).T / self.temperature  # (B, N)
        own = torch.arange(len(anchors), device=cosines.device)
        found = F.cross_entropy(cosines.masked_fill(same(batch), float("-inf")), own, reduction="none")
        return {self.name: (found * _weights(batch).to(wide)).sum()}


def same(batch: Batch) -> Tensor:
    """bool (B, N): candidates that are no negatives of an anchor, since they say what it or a positive of it says; but its own
    positive is none of them."""
    import torch

    key, other = batch["key"].unsqueeze(1), batch["other_key"]
    alike = (other == key) | (other == other.unsqueeze(1)) | ((batch["key"] == key) & batch["alike"])
    alike = alike & ~torch.eye(len(other), dtype=torch.bool, device=other.device)
    if "against" not in batch:
        return alike
    against = batch["against_key"]
    return torch.cat([alike, (against == key) | (against == other.unsqueeze(1))], dim=1)


def _weights(batch: Batch) -> Tensor:
    """(B,): 1 of pairs that are alike, or the row's weight; else 0."""
    alike = batch["alike"].float()
    return alike * batch["weight"] if "weight" in batch else alike
