"""Tokens that are hidden from a model, which learns to find them from those around. B passages, T time, A alphabet.

Which are hidden, and behind what, is a function of an address and the passage alone: in training another one each epoch, for
judging always the same. Light to import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from modelwright.data.draws import below, draws
from modelwright.nouns import Batch, Bounds, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Masking:
    """As BERT has it (https://arxiv.org/abs/1810.04805). masked = 1 hides every one of them behind the mask."""

    share: Annotated[float, Bounds(above=0, below=1)] = 0.15
    """Of a passage's tokens, one at least; control tokens and unknown ones are never asked for."""
    masked: Annotated[float, Bounds(least=0, most=1)] = 0.8
    """Of these, behind the token of the mask."""
    exchanged: Annotated[float, Bounds(least=0, most=1)] = 0.1
    """Of these, behind any token, each as likely as any other. The rest stands as it is."""

    def __post_init__(self) -> None:
        if self.masked + self.exchanged > 1:
            facts = {"masked": f"{self.masked:g}", "exchanged": f"{self.exchanged:g}"}
            raise Refused(say("masked = {masked} and exchanged = {exchanged} are more than all of them.", **facts))


@dataclass(frozen=True)
class Hiding:
    """Live: what the tokenizer's numbers mean."""

    masking: Masking
    askable: np.ndarray
    """bool (A,): which tokens may be asked for, and stand for others."""
    mask: int

    def __call__(self, batch: Batch, ids: np.ndarray, *address: int | str) -> Batch:
        """The batch with inputs made anew from next (B, T), what stands there in truth, and bears: what is asked for."""
        import numpy as np
        import torch

        truth, there = batch["next"].cpu().numpy(), batch["mask"].cpu().numpy()
        drawn = draws(ids, "hide", *address)[:, None] + np.arange(truth.shape[1], dtype=np.uint64)
        chosen = self._chosen(there & self.askable[truth], draws(drawn, "which"))
        how = below(draws(drawn, "how"), 1 << 30) / (1 << 30)
        others = np.flatnonzero(self.askable)
        other = others[below(draws(drawn, "other"), len(others))]
        read = np.where(how < self.masking.masked, self.mask, truth)
        read = np.where((how >= self.masking.masked) & (how < self.masking.masked + self.masking.exchanged), other, read)
        inputs = torch.from_numpy(np.where(chosen, read, truth)).to(batch["next"].device)
        return {**batch, "inputs": inputs, "bears": torch.from_numpy(chosen).to(batch["next"].device)}

    def _chosen(self, able: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """bool (B, T): the share of those that may be asked for, rounded, one at least; those whose draws are the smallest."""
        import numpy as np

        count = able.sum(1)
        wanted = np.where(count > 0, np.maximum(1, np.rint(self.masking.share * count)), 0)
        order = np.argsort(np.where(able, drawn >> np.uint64(1), np.uint64(2**63)), axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(able.shape[1])[None], axis=1)
        return rank < wanted[:, None]
