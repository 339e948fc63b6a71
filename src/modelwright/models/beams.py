"""Beam search: several beginnings are held side by side, and the likeliest whole is said. K beams, A alphabet.

It draws nothing. A text's worth is the sum of its tokens' log-likelihoods, its end among them, divided by their number to the
power how.length (https://arxiv.org/abs/1609.08144, with the plain power that later ones took).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from modelwright.models.guiding import Guide
from modelwright.models.reading import Reading, Writer
from modelwright.models.sampling import Sampling, permitted
from modelwright.nouns import Refused
from modelwright.wording import say


@dataclass(frozen=True)
class Beam:
    """A beginning, or a whole."""

    tokens: tuple[int, ...]
    likelihood: float
    """The logarithm of it."""
    guide: Guide | None

    def worth(self, how: Sampling, steps: int) -> float:
        return self.likelihood / steps**how.length


def beams(module: Writer, prompt: Sequence[int], how: Sampling, guide: Guide | None = None) -> list[int]:
    """The new tokens of the best text found, without the one it stopped at. Refused: an empty prompt, one that fills the model,
    or a temperature."""
    import torch

    if how.temperature:
        raise Refused(say("Beams look for the likeliest text and draw nothing: leave the temperature at 0."))
    reading = Reading(module, [prompt], heard=how.repetition != 1)
    most = min(how.most, module.longest - len(prompt))
    best, worth, going = Beam((), 0.0, guide), -inf, [Beam((), 0.0, guide)]
    for step in range(1, most + 1):
        rows, going, whole = _further(reading, going, how)
        ends = [*whole, *(beam for beam in going if beam.guide is None or beam.guide.whole)] if step == most else whole
        for beam in ends or (going if step == most and worth == -inf else []):
            if beam.worth(how, step) > worth:
                best, worth = beam, beam.worth(how, step)
        if step == most or not going or worth >= _hope(going, how, step, most):
            break
        reading.pick(rows)
        reading.read(torch.tensor([beam.tokens[-1] for beam in going]))
    return list(best.tokens)


def _further(reading: Reading, going: list[Beam], how: Sampling) -> tuple[list[int], list[Beam], list[Beam]]:
    """The how.beams likeliest beginnings that are one token longer, after the row that each came from; and wholes."""
    likely = permitted(reading, how, [beam.guide for beam in going]).double().log_softmax(1)  # (K, A)
    sums = likely + likely.new_tensor([[beam.likelihood] for beam in going])
    alphabet = sums.shape[1]
    enough = min(sums.numel(), how.beams + len(going) * (1 + len(set(how.stop))))
    found = sums.flatten().topk(enough)
    rows: list[int] = []
    longer: list[Beam] = []
    whole: list[Beam] = []
    for likelihood, flat in zip(found.values.tolist(), found.indices.tolist(), strict=True):
        row, token = divmod(flat, alphabet)
        if likelihood == -inf or len(longer) == how.beams:
            break
        before = going[row]
        if token in how.stop:
            whole.append(Beam(before.tokens, likelihood, before.guide))
            continue
        guide = None if before.guide is None else before.guide.fork()
        beam = Beam((*before.tokens, token), likelihood, guide)
        if guide is not None and not guide.told(token):
            whole.append(beam)
            continue
        rows.append(row)
        longer.append(beam)
    return rows, longer, whole


def _hope(going: list[Beam], how: Sampling, step: int, most: int) -> float:
    """No text that goes on from these is worth more: likelihood only falls, and the divisor is largest at one of two ends."""
    return max(beam.likelihood for beam in going) / max((step + 1) ** how.length, most**how.length)
