"""What merge does: what was learned beside a base is folded into it."""

from __future__ import annotations

from argparse import Namespace

from modelwright.command.asked import answer, kinds, refuse_there
from modelwright.wording import say, say_many, together


def merge(words: Namespace) -> int:
    from modelwright import merging, shelf, vault
    from modelwright.command.screen import Screen

    refuse_there(words.out)
    artifact = shelf.take(words.artifact, kinds(words))
    seal = vault.seal_of(words.artifact)  # what comes of something sealed is sealed too
    with Screen(quiet=words.quiet, to_stderr=words.json) as screen, vault.sealed(seal, words.out):
        done = merging.merge(artifact, words.out, screen.note)
    facts = {"path": words.out, "largest": f"{done.largest:.1e}"}
    said = say_many(
        "{path} is written: {n} matrix was folded in.",
        "{path} is written: {n} matrices were folded in.",
        done.matrices,
        **facts,
    )
    near = say("Each answers drawn vectors as before, none of them apart by more than {largest}.", **facts)
    plain = {"artifact": str(words.out), "matrices": done.matrices, "largest_difference": done.largest}
    return answer(words, plain, together(said, near))
