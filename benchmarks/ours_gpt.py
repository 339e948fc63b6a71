"""A GPT of this shape through modelwright's rooms: a feed, the objective, the update and the loop of training."""

from __future__ import annotations

import torch
from passages import BETAS, CLIP, DECAY, RATE, SIZES, Clock, arguments, passages

from modelwright import machine, training
from modelwright.data.feed import Feed
from modelwright.machine.tuning import float32_error
from modelwright.models import Decoder, build
from modelwright.nouns import Port, Tokens, Tuning
from modelwright.objectives import NextToken
from modelwright.training import AdamW, Training
from modelwright.training.descent import Descent

if __name__ == "__main__":
    asked = arguments()
    size = SIZES[asked.size]
    found, alphabet = passages(asked.text, size, asked.steps)
    rows = torch.from_numpy(found).flatten(0, 1)
    read, write = Port("inputs", Tokens(alphabet, size.window)), Port("next", Tokens(alphabet, size.window))
    family = Decoder(
        size.depth, size.width, size.heads, hidden=4 * size.width, base=0, norm="layer", feed="gelu_tanh", bias=True
    )  # fmt: skip
    real = torch.ones(len(rows), size.window, dtype=torch.bool)
    tensors = {"inputs": rows[:, :-1].contiguous(), "next": rows[:, 1:].contiguous(), "mask": real, "bears": real}
    feed = Feed({**tensors, "row": torch.arange(len(rows))}, size.batch, 0, shuffle=False)
    plan = Training(epochs=1, batch=size.batch, optimizer=AdamW(RATE, *BETAS, decay=DECAY), clip=CLIP)
    update = Descent(plan.optimizer, NextToken().ready((write,)), clip=CLIP, rows=size.batch)
    precision = "medium" if float32_error("medium") < 1e-5 else "highest"
    tuning = Tuning(threads=torch.get_num_threads(), precision=precision, dtype=asked.dtype, compiled=asked.compiled)
    clock = Clock(size)
    with machine.tuned(tuning):
        run = training.start(build(family, (read,), (write,), 0), update, tuning)
        for step in training.steps(run, feed, update, plan):
            clock.step(step.loss.item())
    clock.report(weights=sum(weight.numel() for weight in run.models["model"].parameters()))
