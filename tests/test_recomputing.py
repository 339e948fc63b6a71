"""Blocks computed once more on the way back: the same bits, less memory, and a model without such blocks is refused."""

from __future__ import annotations

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from modelwright import training
from modelwright.models import MLP, Decoder, Encoder, build
from modelwright.models.networks.recomputing import recompute
from modelwright.nouns import Classes, Port, Refused, Run, Tokens, Tuning
from modelwright.objectives import CrossEntropy, NextToken
from modelwright.training import AdamW
from modelwright.training.descent import Descent

TEXT, NEXT, LABEL = Port("inputs", Tokens(11, 12)), Port("next", Tokens(11, 12)), Port("label", Classes(("a", "b", "c")))
LESSONS = [(Decoder(2, 16, 2, dropout=0.3), NEXT, NextToken()), (Encoder(2, 16, 2, dropout=0.3), LABEL, CrossEntropy())]


def batch():
    dice = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 11, (6, 12), generator=dice)
    real = torch.arange(12) < torch.tensor([[12], [5], [1], [9], [12], [3]])
    return {
        "inputs": tokens * real, "mask": real, "next": tokens.roll(-1, 1), "bears": real, "row": torch.arange(6),
        "label": torch.arange(6) % 3,
    }  # fmt: skip


def learned(family, port, objective, **how) -> tuple[Run, int]:
    """Three steps, and the most numbers that were kept for a way back."""
    tuning, kept = Tuning(**how), list[int]()
    update = Descent(AdamW(0.01), objective.ready((port,)), clip=1.0)
    run = training.start(build(family, (TEXT,), (port,), 0), update, tuning)
    for _ in range(3):
        now = list[int]()

        def keep(tensor, now=now):
            now.append(tensor.numel())
            return tensor

        with saved_tensors_hooks(keep, lambda tensor: tensor):
            update(run, [batch()], 0.01)
        run.step += 1
        kept.append(sum(now))
    return run, max(kept)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: type(lesson[0]).__name__)
def test_what_is_learned_is_the_same_to_the_last_bit(lesson, dtype):
    (plain, kept), (again, twice) = (learned(*lesson, dtype=dtype, recompute=whether) for whether in (False, True))
    ours, theirs = (run.models["model"].state_dict() for run in (again, plain))
    assert list(ours) == list(theirs) and all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert twice < kept / 2, "of a block only what it was given is kept"


def test_it_is_taken_back():
    module = build(LESSONS[0][0], (TEXT,), (NEXT,), 0)
    assert recompute(module, True) == 2 and all(block.recompute for block in module.blocks)
    assert recompute(module, False) == 2 and not any(block.recompute for block in module.blocks)


def test_a_model_without_blocks_is_refused():
    update = Descent(AdamW(), CrossEntropy().ready((LABEL,)))
    with pytest.raises(Refused, match="no block of attention"):
        training.start(build(MLP((4,)), (TEXT,), (LABEL,), 0), update, Tuning(recompute=True))
