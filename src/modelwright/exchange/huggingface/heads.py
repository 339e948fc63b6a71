"""What stands on an encoder of others: nothing, labels of a text, tags of words, or the tokens that are hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from modelwright.exchange.huggingface.fields import Fields
from modelwright.nouns import Classes, Codec, Hidden, Numbers, Refused, Tagged, Vector
from modelwright.wording import say

Kind: TypeAlias = Literal["vector", "class", "number", "tags", "hidden"]
MODULES = "modules.json"
"""With it a folder is one of sentence-transformers, whatever its config names."""
TASKS: dict[str, Kind] = {
    "": "vector", "MaskedLM": "hidden", "PreTraining": "hidden", "TokenClassification": "tags",
    "SequenceClassification": "class",
}  # fmt: skip
"""By what stands behind "For" in the name of a class of theirs."""
PROBLEMS: dict[str, Kind] = {"single_label_classification": "class", "regression": "number"}
WRITTEN = {"class": "single_label_classification", "number": "regression"}
TWO = 2
"""Labels where config.json names none."""


@dataclass(frozen=True)
class Head:
    kind: Kind = "vector"
    names: tuple[str, ...] = ()
    """Of the labels or tags, in their order."""

    @property
    def labels(self) -> bool:
        """Whether a text as a whole is answered with what was learned."""
        return self.kind in ("class", "number")


def asked(fields: Fields) -> Head:
    """What `architectures` names. Refused: a head that is not known here, or labels that are none."""
    listed = fields.raw("architectures") or [""]
    task = listed[0].partition("For")[2] if isinstance(listed, list) and isinstance(listed[0], str) else None
    if (fields.file.parent / MODULES).is_file():
        return Head()
    if task is None or len(listed) != 1 or task not in TASKS:
        known = ", ".join(f"For{name}" for name in TASKS if name)
        raise fields.refuse("architectures", say("only a model alone or {known} is read here", known=known))
    kind, names = TASKS[task], _names(fields)
    if kind == "class":
        kind = _problem(fields, len(names))
    if kind in ("class", "tags"):
        _refuse_unfit(fields, names)
    return Head(kind, names if kind in ("class", "tags") else ())


def _problem(fields: Fields, count: int) -> Kind:
    """As transformers takes it where nothing is said: one label is a number."""
    if fields.raw("problem_type") is None:
        return "class" if count > 1 else "number"
    kind = PROBLEMS[fields.one_of("problem_type", None, *PROBLEMS)]
    if kind == "number" and count != 1:
        raise fields.refuse("id2label", say("of several numbers none is read here"))
    return kind


def _names(fields: Fields) -> tuple[str, ...]:
    """Of id2label; LABEL_0 and LABEL_1 where there is none."""
    found: Any = fields.raw("id2label")
    if found is None:
        count = fields.number("num_labels", TWO)
        return tuple(f"LABEL_{place}" for place in range(count))
    try:
        numbered: dict[int, Any] = {int(number): name for number, name in dict(found).items()}
    except (TypeError, ValueError):
        numbered = {}
    if not numbered or sorted(numbered) != list(range(len(numbered))):
        raise fields.refuse("id2label", say("names by numbers from 0 on are needed"))
    names = tuple(numbered[place] for place in range(len(numbered)))
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise fields.refuse("id2label", say("a label without a name has no answer"))
    return names


def _refuse_unfit(fields: Fields, names: Sequence[str]) -> None:
    import polars as pl

    from modelwright.data.codecs.cells import keys

    if len(names) < TWO:
        raise fields.refuse("id2label", say("two labels are needed at least"))
    if keys(pl.Series(names, dtype=pl.String), ()).n_unique() < len(names):
        raise fields.refuse("id2label", say("two labels are called the same"))
    if fields.number("num_labels", len(names)) != len(names):
        raise fields.refuse("num_labels", say("id2label names {n}", n=len(names)))
    turned, wanted = fields.raw("label2id"), {name: place for place, name in enumerate(names)}
    if turned and turned != wanted:
        raise fields.refuse("label2id", say("it does not say the same as id2label"))


def told(codec: Codec, model: str) -> dict[str, Any]:
    """What config.json says of what a model of ours writes. model: how the names of its classes begin, as Bert."""
    port = codec.writes[0].kind
    match port:
        case Classes() if not port.sigmoid:
            return {"architectures": [f"{model}ForSequenceClassification"], **_numbered(port.names, "class")}
        case Numbers():
            return {"architectures": [f"{model}ForSequenceClassification"], **_numbered(("LABEL_0",), "number")}
        case Tagged():
            return {"architectures": [f"{model}ForTokenClassification"], **_numbered(port.tags, "tags")}
        case Hidden():
            return {"architectures": [f"{model}ForMaskedLM"]}
        case Vector():
            return {}
        case _:
            message = say('A head with output = "sigmoid" is not written for transformers: it has an output for each label.')
            raise Refused(message, say('Train it with   [codec]  output = "softmax"'))


def _numbered(names: Sequence[str], kind: Kind) -> dict[str, Any]:
    problem = {"problem_type": WRITTEN[kind]} if kind in WRITTEN else {}
    names_by_number = {str(place): name for place, name in enumerate(names)}
    return {"id2label": names_by_number, "label2id": {name: place for place, name in enumerate(names)}, **problem}
