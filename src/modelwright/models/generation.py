"""A decoder goes on from where prompts end. Verb: generate. B batch, T time, A alphabet.

Prompts of unequal length stand in one batch, padded on the left: their ends are one column, and each new token is one step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from modelwright.data.chance import chance
from modelwright.models.sampling import Sampling, chosen, penalised
from modelwright.nouns import Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor

    from modelwright.models.networks.decoding import Decoding


def generate(module: Decoding, prompts: Sequence[Sequence[int]], how: Sampling) -> list[list[int]]:
    """The new tokens of each prompt, without the one it stopped at. Refused: an empty prompt, or one that fills the model."""
    found: list[list[int]] = [[] for _ in prompts]
    for step in stream(module, prompts, how):
        for row, token in zip(found, step, strict=True):
            row += [token] if token is not None else []
    return found


def stream(module: Decoding, prompts: Sequence[Sequence[int]], how: Sampling) -> Iterator[list[int | None]]:
    """One new token of each prompt at a time, None for those that have stopped; ends when all have, or no place is left."""
    import torch

    tokens, mask = _together(prompts)
    room = min(how.most, _room(module, prompts))
    draws = [torch.Generator().manual_seed(chance(how.seed, "draw", row)) for row in range(len(prompts))]
    memories = module.memories()
    device = next(module.parameters()).device
    going = torch.ones(len(prompts), dtype=torch.bool)
    said: Tensor | None = None
    fresh = tokens
    for _ in range(room):
        with torch.inference_mode():
            states = module.states(fresh.to(device), mask.to(device), memories)
            logits = module.logits(states[:, -1:])[:, 0].cpu()
        said = _said(said, fresh, mask, logits.shape[1])
        new = chosen(penalised(logits, said, how), how, draws)
        going &= ~torch.isin(new, torch.tensor(how.stop, dtype=torch.int64))
        if not going.any():
            return
        yield [int(token) if on else None for token, on in zip(new, going, strict=True)]
        fresh = new.unsqueeze(1)
        mask = torch.cat([mask, torch.ones_like(fresh, dtype=torch.bool)], dim=1)


def onward(module: Decoding, prompt: Sequence[int], how: Sampling) -> Iterator[int]:
    """The new tokens of one prompt, however many: where no place is left, the last half of the model's places is read again,
    and it goes on from there. The prompt's own beginning is passed over where it fills the model."""
    text, left, turn = list(prompt), how.most, 0
    while left:
        text = kept(text, module.longest)
        room = min(left, module.longest - len(text))
        part = replace(how, most=room, seed=how.seed if not turn else chance(how.seed, "turn", turn))
        before = len(text)
        for (token,) in stream(module, [text], part):
            assert token is not None
            text.append(token)
            yield token
        if len(text) - before < room:
            return
        left, turn = left - room, turn + 1


def kept(text: list[int], longest: int) -> list[int]:
    """What is read of a text: all, or the last half of a model's places where it would fill them."""
    return text if len(text) < longest else text[-max(1, longest // 2) :]


def _together(prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """int64 and bool (B, T), padded on the left."""
    import torch

    if not prompts or not all(prompts):
        raise Refused(say("A prompt is empty: give at least one token to go on from."))
    longest = max(map(len, prompts))
    tokens = torch.tensor([[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[False] * (longest - len(prompt)) + [True] * len(prompt) for prompt in prompts])
    return tokens, mask


def _room(module: Decoding, prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that the longest prompt leaves place for."""
    longest = max(map(len, prompts))
    if longest >= module.longest:
        raise Refused(say("A prompt has {n} tokens; this model reads {most} at most.", n=longest, most=module.longest))
    return module.longest - longest


def _said(said: Tensor | None, fresh: Tensor, mask: Tensor, alphabet: int) -> Tensor:
    """bool (B, A): what stands in the prompt and was answered so far; padding says nothing."""
    import torch

    counts = torch.zeros(len(fresh), alphabet, dtype=torch.int64)
    counts.scatter_add_(1, fresh, mask[:, -fresh.shape[1] :].long())
    return counts > 0 if said is None else said | (counts > 0)
