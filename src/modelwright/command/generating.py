"""What generate does: an artifact goes on with a text, and what it says is shown as it comes."""

from __future__ import annotations

import sys
from argparse import Namespace

from modelwright.command.asked import answer, err, kinds
from modelwright.wording import say, say_many


def generate(words: Namespace) -> int:
    from modelwright import generating, shelf
    from modelwright.models.sampling import Sampling
    from modelwright.reader import read

    order = {"most": words.tokens, "temperature": words.temperature, "top_k": words.top_k, "top_p": words.top_p}
    how = read(Sampling, {**order, "seed": words.seed}, "generate")
    artifact = shelf.take(words.artifact, kinds(words))
    begun = generating.begin(artifact, words.prompt)
    for sentence in () if words.quiet else told(begun.unknown, begun.dropped, begun.longest):
        err(sentence)
    said: list[str] = []
    if not words.json:
        sys.stdout.write(words.prompt)
    for piece in generating.generate(artifact, begun, how):
        said.append(piece)
        if not words.json:
            sys.stdout.write(piece)
            sys.stdout.flush()
    facts = {"prompt": words.prompt, "text": "".join(said), "unknown": begun.unknown, "dropped": begun.dropped}
    return answer(words, facts, "") if words.json else _ended()


def _ended() -> int:
    sys.stdout.write("\n")
    return 0


def told(unknown: int, dropped: int, longest: int) -> list[str]:
    """What of a prompt the model does not read as it was written."""
    lines: list[str] = []
    if unknown:
        lines.append(say_many("{n} character of the prompt is unknown to this model.",
                              "{n} characters of the prompt are unknown to this model.", unknown))  # fmt: skip
    if dropped:
        looks = say("The prompt is longer than the {longest} tokens that this model looks back on.", longest=longest)
        rest = say_many("Its first {n} token is not read.", "Its first {n} tokens are not read.", dropped)
        lines.append(f"{looks} {rest}")
    return lines
