"""A GPT as a hand-written torch loop trains it: torch's own layers, causal fused attention, AdamW with fused kernels."""

from __future__ import annotations

import torch
from passages import BETAS, CLIP, DECAY, RATE, SIZES, Clock, Size, arguments, passages
from torch import nn
from torch.nn import functional as F  # noqa: N812


class Block(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        width = size.width
        self.heads, self.first, self.second = size.heads, nn.LayerNorm(width), nn.LayerNorm(width)
        self.three, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.three(self.first(x)).chunk(3, dim=2))
        x = x + self.out(F.scaled_dot_product_attention(*parts, is_causal=True).transpose(1, 2).flatten(2))
        return x + self.feed(self.second(x))


class GPT(nn.Module):
    def __init__(self, size: Size, alphabet: int) -> None:
        super().__init__()
        self.table, self.places = nn.Embedding(alphabet, size.width), nn.Embedding(size.window, size.width)
        self.blocks = nn.Sequential(*(Block(size) for _ in range(size.depth)))
        self.end = nn.LayerNorm(size.width)
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.normal_(weight, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.table(tokens) + self.places.weight
        return F.linear(self.end(self.blocks(x)), self.table.weight)


if __name__ == "__main__":
    asked = arguments()
    size = SIZES[asked.size]
    found, alphabet = passages(asked.text, size, asked.steps)
    torch.manual_seed(0)
    model = GPT(size, alphabet)
    step = torch.compile(model) if asked.compiled else model
    adam = torch.optim.AdamW(model.parameters(), RATE, BETAS, weight_decay=DECAY, fused=True)
    clock = Clock(size)
    for batch in torch.from_numpy(found):
        adam.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=asked.dtype == "bfloat16"):
            logits = step(batch[:, :-1].contiguous())
        loss = F.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        adam.step()
        clock.step(loss.item())
    clock.report()
