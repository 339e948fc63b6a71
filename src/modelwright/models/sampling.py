"""How the next token is chosen among those that may follow. B batch, A alphabet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from modelwright.nouns import Bounds, Count, NotNegative, Positive, Share, Whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Generator, Tensor

    from modelwright.models.guiding import Guide
    from modelwright.models.reading import Reading


@dataclass(frozen=True)
class Sampling:
    """As it comes: the likeliest token, always."""

    most: Count = 100
    """New tokens at most."""
    temperature: NotNegative = 0.0
    """Logits are divided by it; 0 takes the likeliest."""
    top_k: Whole = 0
    """Only the k likeliest; 0 is no limit."""
    top_p: Annotated[float, Bounds(above=0, most=1)] = 1.0
    """Only the likeliest that together have this chance (https://arxiv.org/abs/1904.09751)."""
    min_p: Share = 0.0
    """Only those with at least this share of the likeliest one's chance (https://arxiv.org/abs/2407.01082)."""
    repetition: Positive = 1.0
    """What was said already is divided by this, or multiplied where negative (https://arxiv.org/abs/1909.05858)."""
    stop: tuple[int, ...] = ()
    """Tokens after which nothing more is said; they are not part of what is."""
    never: tuple[int, ...] = ()
    """Tokens that are never said."""
    seed: int = 0
    beams: Count = 1
    """More than one: so many texts are held side by side, and the likeliest as a whole is said (beams.py)."""
    length: float = 1.0
    """Of beams: a text's log-likelihood is divided by its tokens to this power; 0 favours short ones."""


def permitted(reading: Reading, how: Sampling, guides: Sequence[Guide | None]) -> Tensor:
    """(B, A): the logits of what may follow each text; -inf for what may not."""
    import torch

    logits = penalised(reading.logits, reading.said, how)
    allowed = [guide.allowed() if guide is not None else None for guide in guides]
    if all(one is None for one in allowed):
        return logits
    anything = torch.ones(logits.shape[1], dtype=torch.bool)
    return logits.masked_fill(~torch.stack([anything if one is None else one for one in allowed]), -torch.inf)


def chances(logits: Tensor, how: Sampling) -> Tensor:
    """(B, A) -> (B, A), each row summing to 1; what is left out has 0. how.temperature is above 0."""
    import torch

    logits = logits.float() / how.temperature
    if how.top_k and how.top_k < logits.shape[1]:
        least = logits.topk(how.top_k, dim=1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if how.min_p:
        likely = logits.softmax(1)
        logits = logits.masked_fill(likely < how.min_p * likely.amax(1, keepdim=True), -torch.inf)
    if how.top_p < 1:
        ordered, places = logits.softmax(1).sort(dim=1, descending=True)
        beyond = ordered.cumsum(1) - ordered >= how.top_p  # those before it are enough
        logits = logits.masked_fill(beyond.gather(1, places.argsort(1)), -torch.inf)
    return logits.softmax(1)


def penalised(logits: Tensor, said: Tensor | None, how: Sampling) -> Tensor:
    """logits (B, A), those that are never said at -inf; said bool (B, A) is true for the tokens of prompt and answer so far,
    and is needed where how.repetition is not 1."""
    import torch

    if how.never:
        logits = logits.index_fill(1, torch.tensor(how.never), -torch.inf)
    if said is None:
        return logits
    less = torch.where(logits > 0, logits / how.repetition, logits * how.repetition)
    return torch.where(said, less, logits)


def chosen(logits: Tensor, how: Sampling, draws: list[Generator]) -> Tensor:
    """int64 (B,): the next token of each row, drawn from the row's own generator."""
    import torch

    if how.temperature == 0:
        return logits.argmax(1)
    likely = chances(logits, how)
    return torch.cat([torch.multinomial(row, 1, generator=draw) for row, draw in zip(likely, draws, strict=True)])
