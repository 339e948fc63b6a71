"""A request's body -> what is to be gone on with, and how: the words of `modelwright generate`, in JSON. Knows no web.

JSON is read strictly, as rows are; a word that is not known, and a number beyond its bounds, is named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from modelwright import generating, vault
from modelwright.generating import Keeping, Voice
from modelwright.nouns import Artifact, Bounds, NotNegative, Positive, Refused, Share, Whole
from modelwright.reader import read
from modelwright.serving.asking import MOST_BYTES
from modelwright.serving.turning import UNREADABLE, WRONG_TYPE, Turned
from modelwright.wording import say, spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_TOKENS = 4096
"""Of an answer."""
MOST_BEAMS = 8
MOST_STOPS = 16


@dataclass(frozen=True)
class Message:
    """One of a conversation; a system's comes first."""

    role: str
    content: str


@dataclass(frozen=True)
class Wish:
    """What a request says."""

    prompt: str | None = None
    messages: tuple[Message, ...] = ()
    stream: bool = False
    """Pieces as they are said, as server-sent events."""
    tokens: Annotated[int, Bounds(least=1, most=MOST_TOKENS)] = 100
    temperature: NotNegative = 0.0
    top_k: Whole = 0
    top_p: Annotated[float, Bounds(above=0, most=1)] = 1.0
    min_p: Share = 0.0
    repetition: Positive = 1.0
    beams: Annotated[int, Bounds(least=1, most=MOST_BEAMS)] = 1
    length: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True)
class Order:
    """A wish that this model can be asked."""

    voice: Voice
    stream: bool
    language: str = field(default_factory=spoken)
    """That its asker reads."""


def order(artifact: Artifact, body: bytes, media: str) -> Order:
    """Turned: another type, not what the type says, a word that is not known, a bound that is passed, a form that cannot be."""
    kind = media.partition(";")[0].strip().lower()
    if kind != "application/json":
        told = say("The Content-Type {kind} is not read here; this model reads {kinds}.",
                   kind=kind[:100] or say("(none)"), kinds="application/json")  # fmt: skip
        raise Turned(WRONG_TYPE, told)
    try:
        return _order(artifact, vault.read_json(body, say("The request"), MOST_BYTES))
    except Refused as refusal:
        raise Turned(UNREADABLE, *refusal.sentences) from None


def _order(artifact: Artifact, value: Any) -> Order:
    from modelwright.models.sampling import Sampling

    if not isinstance(value, dict):
        needed = say('An object is needed: {"prompt": "..."} or {"messages": [{"role": "user", "content": "..."}]}.')
        raise Refused(needed)
    told: dict[str, Any] = dict(value)
    schema = _schema(told.pop("schema", None))
    wish = read(Wish, told, "generate")
    if len(wish.stop) > MOST_STOPS:
        raise Refused(say("{n} stop words are too many: at most {most} are kept to.", n=len(wish.stop), most=MOST_STOPS))
    keeping = Keeping(wish.stop, schema, wish.pattern)
    how = Sampling(
        most=wish.tokens, temperature=wish.temperature, top_k=wish.top_k, top_p=wish.top_p, min_p=wish.min_p,
        repetition=wish.repetition, seed=wish.seed, beams=wish.beams, length=wish.length,
    )  # fmt: skip
    return Order(Voice(_begun(artifact, wish), how, keeping), wish.stream)


def _schema(value: Any) -> Mapping[str, Any] | None:
    if value is not None and not isinstance(value, dict):
        raise Refused(say("schema is not what it should be: an object of JSON."))
    return value


def _begun(artifact: Artifact, wish: Wish) -> generating.Begun:
    from modelwright.data.codecs.conversations import chats

    if (wish.prompt is None) == (not wish.messages):
        raise Refused(say("Give a prompt, or messages: one of the two."))
    if wish.prompt is not None:
        begun = generating.begin(artifact, wish.prompt)
    else:
        begun = generating.talk(artifact, [chats.Message(one.role, one.content) for one in wish.messages])
    if not begun.tokens:
        raise Refused(say("A prompt is empty: give at least one token to go on from."))
    return begun
