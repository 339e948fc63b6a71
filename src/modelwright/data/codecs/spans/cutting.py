"""Spans are cut out of passages: a function of an address and the passage alone. B passages, W tokens of one, S spans.

As in T5: a passage begins with what is kept and ends with what is cut out; how many tokens each part has is drawn, every way of
parting them as likely as any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from modelwright.data.codecs.pairs.paired import side_by_side
from modelwright.data.codecs.spans import Spans
from modelwright.data.codecs.tokens.tokenizing import Controls
from modelwright.data.draws import draws
from modelwright.nouns import Batch


@dataclass(frozen=True)
class Cutting:
    """Live: what the numbers mean."""

    spans: Spans
    controls: Controls
    bytes: np.ndarray
    """int64 (A,): of each token, marks among them."""
    first: int
    """The number of the first mark."""

    def __call__(self, batch: Batch, ids: np.ndarray, *address: int | str) -> Batch:
        """The batch with inputs and mask, before, before_mask, next, bears and bytes made anew from whole int64 (B, W)."""
        device = batch["whole"].device
        whole, real = batch["whole"].cpu().numpy(), batch["whole_mask"].sum(1).cpu().tolist()
        drawn = draws(ids, "spans", *address)[:, None] + np.arange(whole.shape[1], dtype=np.uint64)
        kept, gone = draws(drawn, "kept"), draws(drawn, "gone")
        made = [self._cut(whole[row, :count], kept[row], gone[row]) for row, count in enumerate(real)]
        inputs, mask = side_by_side([text for text, _ in made], self.controls)
        follows, before_mask = side_by_side([said for _, said in made], self.controls)
        start = torch.full_like(follows[:, :1], self.controls.before[-1])
        before = torch.cat([start, follows[:, :-1]], dim=1).where(before_mask, self.controls.padding or 0)
        unknown = -1 if self.controls.unknown is None else self.controls.unknown
        bears = before_mask & (follows != unknown) & torch.tensor([count > 1 for count in real])[:, None]
        found = {"inputs": inputs, "mask": mask, "before": before, "before_mask": before_mask, "next": follows, "bears": bears}
        found["bytes"] = (torch.from_numpy(self.bytes)[follows] * bears).sum(1)
        return {**batch, **{name: tensor.to(device) for name, tensor in found.items()}}

    def _cut(self, tokens: np.ndarray, kept: np.ndarray, gone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is read, and what is to be said, of a passage int64 (W,) whose draws are uint64 (W,) each."""
        end = np.array(self.controls.end, np.int64)
        count, spans = self.spans.counts(len(tokens))
        if not count:
            return np.concatenate([tokens, end]), end
        left, lost = segments(len(tokens) - count, spans, kept), segments(count, spans, gone)
        cut = np.repeat(np.tile([False, True], spans), np.stack([left, lost], axis=1).ravel())
        begins = cut & ~np.concatenate([[False], cut[:-1]])
        marks = self.first + np.cumsum(begins) - 1
        read = np.where(begins, marks, tokens)[~cut | begins]
        said = np.insert(tokens[cut], np.cumsum(lost) - lost, self.first + np.arange(spans))
        return np.concatenate([read, end]), np.concatenate([said, end])


def segments(total: int, parts: int, drawn: np.ndarray) -> np.ndarray:
    """int64 (parts,), each 1 at least, summing to total: cut where the draws are the smallest."""
    cuts = np.sort(np.argsort(drawn[: total - 1], kind="stable")[: parts - 1]) + 1
    return np.diff(np.concatenate([[0], cuts, [total]]))
