"""What adopt does: weights that others published become an artifact. And the way back."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from modelwright.command.asked import answer, kinds, refuse_there
from modelwright.nouns import Artifact
from modelwright.wording import say


def adopt(words: Namespace) -> int:
    from modelwright import shelf

    refuse_there(words.out)
    made = adopted(words.model, words.revision)
    digest = shelf.put(made, words.out)
    assert made.origin is not None
    said = "\n".join((say("{path} is written:", path=words.out), *(f"  {line}" for line in made.story)))
    if not made.origin.licence:
        said += "\n  " + say("its makers name no licence: ask them before you pass it on")
    plain = {"artifact": str(words.out), "manifest": digest, "story": list(made.story), **vars(made.origin)}
    return answer(words, plain, said)


def give(words: Namespace) -> int:
    """export --to huggingface"""
    from modelwright import shelf
    from modelwright.exchange.huggingface.writing import export

    refuse_there(words.out)
    apart = export(shelf.take(words.artifact, kinds(words)), words.out)
    said = say("{path} is written; transformers loads it.", path=words.out)
    if apart is None:
        said += " " + say("It is not installed here: what it answers was not compared.")
    else:
        said += " " + say("Its outputs differ from ours by {apart} of the largest at most.", apart=f"{apart:.1e}")
    return answer(words, {"export": str(words.out), "largest_difference": apart}, said)


def adopted(model: Path, revision: str) -> Artifact:
    """A file is GGUF, a folder is one of Hugging Face, and what is neither may be a name in its hub."""
    if model.is_file() and not revision:
        from modelwright.exchange.gguf import reading as gguf

        return gguf.adopted(model)
    from modelwright.exchange.huggingface import hub
    from modelwright.exchange.huggingface import reading as huggingface

    return huggingface.adopted(hub.folder_of(model, revision))
