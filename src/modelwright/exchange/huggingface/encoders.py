"""The codec of an encoder of others: how rows become what it reads, and its outputs answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelwright.data.codecs import Documents, Sentences, Tags, Texts
from modelwright.data.codecs.columns import BLANKS
from modelwright.data.codecs.documents import Foreign
from modelwright.data.codecs.documents.masking import Masking
from modelwright.data.codecs.documents.passages import Passages, with_end
from modelwright.data.codecs.labels import ClassLabels, Labels, NumberLabels
from modelwright.data.codecs.sentences.vectors import Sentences as Vectors
from modelwright.data.codecs.tags.schemes import OUTSIDE, Scheme
from modelwright.data.codecs.tags.tagging import Tagging
from modelwright.data.codecs.tokens import foreign
from modelwright.data.codecs.words.subtexts import Subtexts
from modelwright.exchange.huggingface import embedding
from modelwright.exchange.huggingface.heads import Head
from modelwright.exchange.huggingface.shapes import Described
from modelwright.models import Encoder
from modelwright.nouns import Codec, Refused, Vector
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.data.codecs.tokens.foreign import Adopted

ANSWERS = {
    ("mean", False): lambda: say("a text is answered with the mean of its steps"),
    ("mean", True): lambda: say("a text is answered with the mean of its steps, brought to length 1"),
    ("first", False): lambda: say("a text is answered with its first step"),
    ("first", True): lambda: say("a text is answered with its first step, brought to length 1"),
}
LABEL = "label"
SHOWN = 8
"""Labels that a sentence names."""
SCHEMES: tuple[tuple[Scheme, str], ...] = (("iob2", "BI"), ("bioes", "BIES"))


def answering(folder: Path, described: Described) -> tuple[Described, Codec]:
    """The codec for what stands on it, and the family as it pools. Refused: a tokenizer that does not fit."""
    longest, named = described.longest, Foreign(Path(foreign.LIBRARY))
    read = foreign.fitted(foreign.read(folder), described.alphabet)
    match described.head.kind:
        case "vector":
            return _vectors(folder, described, read)
        case "tags":
            tags = Tags(scheme=scheme(described.head.names), longest=longest, tokenizer=named)
            return described, Tagging(tags, read, described.head.names, longest)
        case "hidden":
            return described, _hiding(Documents(longest=longest, tokenizer=named, masking=Masking()), read, folder)
        case _:
            texts = Texts(LABEL, longest=longest, tokenizer=named)
            return described, Subtexts(texts, read, _labels(described.head), longest)


def told(described: Described, codec: Codec) -> list[str]:
    """What it answers, in a sentence."""
    family, head, port = described.family, described.head, codec.writes[0].kind
    assert isinstance(family, Encoder)
    names = ", ".join(head.names[:SHOWN]) + (", …" if len(head.names) > SHOWN else "")
    match head.kind:
        case "vector":
            assert isinstance(port, Vector)
            return [ANSWERS[family.answer, port.unit]()]
        case "class":
            return [say("a text is answered with one of {n} labels: {names}", n=len(head.names), names=names)]
        case "number":
            return [say("a text is answered with a number")]
        case "tags":
            return [say("each word is answered with one of {n} tags: {names}", n=len(head.names), names=names)]
        case "hidden":
            return [say("it finds tokens that are hidden: a model to begin with")]


def scheme(names: Sequence[str]) -> Scheme:
    """Which these tags are of: where each but O has a letter of it, and a name; none, where they spell no entities."""
    parts = [name.partition("-") for name in names if name != OUTSIDE]
    letters = {prefix for prefix, _, _ in parts}
    spell = bool(parts) and len(parts) < len(names) and all(dash and name for _, dash, name in parts)
    fitting: list[Scheme] = [word for word, known in SCHEMES if spell and "B" in letters and letters <= set(known)]
    return fitting[0] if fitting else "none"


def _labels(head: Head) -> Labels:
    blanks = tuple(blank for blank in BLANKS if blank not in head.names)
    return ClassLabels(LABEL, head.names, False, blanks) if head.names else NumberLabels(LABEL, 0.0, 1.0, blanks)


def _hiding(documents: Documents, read: Adopted, folder: Path) -> Passages:
    if read.controls.mask is None:
        told = say("{folder}: its tokenizer has no token behind which others could be hidden.", folder=folder)
        raise Refused(told, say('Name it in tokenizer_config.json: "mask_token": "[MASK]"'))
    return Passages(documents, with_end(read), documents.longest)


def _vectors(folder: Path, described: Described, read: Adopted) -> tuple[Described, Codec]:
    family = described.family
    assert isinstance(family, Encoder)
    width = family.attending.width
    pooled = embedding.read(folder, width)
    longest = min(pooled.longest or described.longest, described.longest)
    tokenizer = Foreign(Path(foreign.LIBRARY))
    sentences = Sentences(width, pooled.unit, tokenizer, longest=longest, places=described.longest)
    return replace(described, family=replace(family, answer=pooled.answer)), Vectors(sentences, read)
