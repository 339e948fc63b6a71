"""Rows without a label: what is asked of labelled ones is refused."""

from __future__ import annotations

from modelwright.nouns import Encoding, Refused
from modelwright.wording import say


def refuse_unlabelled(encoding: Encoding) -> None:
    """Refused: a model that answers no row, since it learned to go on with texts."""
    if encoding.label is None:
        told = say("This model goes on with texts: there is no label for it to answer, and this is not done with it yet.")
        raise Refused(told, say('Let it go on with a text: modelwright generate ARTIFACT "Once"'))
