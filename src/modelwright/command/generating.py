"""What generate does: an artifact goes on with a text, and what it says is shown as it comes; or with many, into a file."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from modelwright.command.asked import answer, err, kinds
from modelwright.nouns import Artifact, Refused, Unkept
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from modelwright.generating import Begun, Keeping
    from modelwright.models.sampling import Sampling

LARGEST = 1 << 20
"""Bytes of a JSON schema."""
KEYS = {
    "most": "tokens", "temperature": "temperature", "top_k": "top_k", "top_p": "top_p", "min_p": "min_p",
    "repetition": "repetition", "beams": "beams", "length": "length", "seed": "seed",
}  # fmt: skip
"""What a key of Sampling is called on the command line."""


def generate(words: Namespace) -> int:
    from modelwright import shelf
    from modelwright.models.sampling import Sampling
    from modelwright.reader import read

    if (words.prompt is None) == (words.prompts is None):
        raise Refused(say("Give a prompt, or a file of them with --prompts."))
    if (words.prompts is None) != (words.out is None):
        raise Refused(say("--prompts and -o go together: a file of prompts, and where their answers go."))
    if words.system is not None and not words.chat:
        raise Refused(say("--system goes with --chat: it stands before what is asked."))
    how = read(Sampling, {key: getattr(words, word) for key, word in KEYS.items()}, "generate")
    keeping = kept(words)
    artifact = shelf.take(words.artifact, kinds(words))
    if words.bf16:
        import torch

        artifact.module.to(torch.bfloat16)
    if words.prompts is not None:
        return _file(words, artifact, how, keeping)
    return _one(words, artifact, how, keeping)


def kept(words: Namespace) -> Keeping:
    """What the answers keep to."""
    from modelwright import vault
    from modelwright.generating import Keeping

    schema: Any = None
    if words.schema is not None:
        schema = vault.read_json(vault.read_bytes(words.schema, LARGEST), str(words.schema))
        if not isinstance(schema, dict):
            raise Refused(say("{file} is not what it should be: an object of JSON.", file=words.schema))
    return Keeping(tuple(words.stop), schema, words.pattern)


def _one(words: Namespace, artifact: Artifact, how: Sampling, keeping: Keeping) -> int:
    from modelwright import generating

    begun = _begins(words, artifact)(words.prompt)
    _tell(words, begun)
    said: list[str] = []
    if not words.json and not keeping.form and not begun.reply and not words.chat:
        sys.stdout.write(words.prompt)
    for piece in generating.generate(artifact, begun, how, keeping):
        said.append(piece)
        if not words.json:
            sys.stdout.write(piece)
            sys.stdout.flush()
    facts = {"prompt": words.prompt, "text": "".join(said), "unknown": begun.unknown, "dropped": begun.dropped}
    return answer(words, facts, "") if words.json else _ended()


def _file(words: Namespace, artifact: Artifact, how: Sampling, keeping: Keeping) -> int:
    from modelwright import generating
    from modelwright.command.screen import Screen
    from modelwright.nouns import Note

    with Screen(quiet=words.quiet, to_stderr=words.json) as screen:

        def watch(count: int) -> None:
            screen.note(Note("generate", say("{rows} rows", rows=f"{count:,}"), count, count))

        answering = generating.Answering(_begins(words, artifact), how, keeping, words.batch)
        done = generating.answer_file(artifact, words.prompts, words.out, answering, watch)
    said = say_many("{n} prompt answered in {path}", "{n} prompts answered in {path}", done.rows, path=words.out)
    if done.faulty:
        said += "; " + say_many("{n} is empty and says so", "{n} are empty and say so", done.faulty)
    if done.dropped:
        said += "\n" + say_many("{n} prompt is longer than the model looks back: its end was read.",
                                "{n} prompts are longer than the model looks back: their ends were read.",
                                done.dropped)  # fmt: skip
    facts = {"rows": done.rows, "faulty": done.faulty, "cut": done.cut, "dropped": done.dropped, "answers": str(words.out)}
    code = answer(words, facts, said)
    if done.cut:
        raise Unkept(say_many("{n} answer was cut before it had the form that was ordered. Give more with --tokens N",
                              "{n} answers were cut before they had the form that was ordered. Give more with --tokens N",
                              done.cut))  # fmt: skip
    return code


def _begins(words: Namespace, artifact: Artifact) -> Callable[[str], Begun]:
    """How a prompt is read: as it stands, or as what a user asks."""
    from modelwright import generating

    if words.chat:
        return lambda prompt: generating.converse(artifact, prompt, words.system)
    return lambda prompt: generating.begin(artifact, prompt)


def _tell(words: Namespace, begun: Begun) -> None:
    for sentence in () if words.quiet else begun.notes():
        err(sentence)


def _ended() -> int:
    sys.stdout.write("\n")
    return 0
