"""The order form: one section per room, in the order of the rooms. No logic but the checks that need no data.

Sections that do not go together (a network for pictures, and words to read) are refused here, before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from modelwright import __version__
from modelwright.compression import Compression, Promise
from modelwright.compression.checking import faults as compression_faults
from modelwright.data import Augmentation, Check, Encoding, Source
from modelwright.evaluation import Evaluation, Metric
from modelwright.explanation import Explanation
from modelwright.machine import Machine
from modelwright.models import Base, Family, writable
from modelwright.nouns import Classes, Gaps, Hidden, Refused, Reply, Tagged, Tokens, Vector
from modelwright.objectives import Contrastive, CrossEntropy, MaskedToken, NextToken, Objective, Penalty, SquaredError, WordTag
from modelwright.protection import Protection
from modelwright.reader import Broken, Fault, Lines, attempt, hint, kind, kinds, override, parse, refuse, write
from modelwright.training import Training
from modelwright.wording import say

FORMAT = 1
"""Format n is read by modelwright 0.n and every later one."""
SHIPPED = Path(__file__).parent / "recipes"
"""Where a wheel carries them; a checkout has them at its root."""


@dataclass(frozen=True)
class Report:
    """The page that a person reads when a run is over."""

    rows: bool = True
    """Whether rows of the data may be shown on it."""
    tensorboard: bool = False
    """Whether the course of training is kept for TensorBoard too, in the run's folder."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What was ordered for one model's whole life, as plain values."""

    format: Literal[1] = FORMAT
    seed: int = 0
    """All public chance comes from it."""
    machine: Machine = field(default_factory=Machine)
    data: Source
    check: Check = field(default_factory=Check)
    codec: Encoding
    model: Family | Base
    objective: Objective | None = None
    """Without one: cross-entropy for classes and tags, squared error for numbers, the next token for texts or hidden ones,
    contrastive for vectors."""
    penalty: tuple[Penalty, ...] = ()
    augmentation: tuple[Augmentation, ...] = ()
    training: Training
    evaluation: Evaluation = field(default_factory=Evaluation)
    compression: tuple[Compression, ...] = ()
    """One pipeline, in this order. Each step alone and all of them together are tried."""
    promise: Promise | None = None
    explanation: Explanation = Explanation()
    protection: Protection = Protection()
    report: Report = Report()


def open_recipe(order: Path | str | Mapping[str, Any], assignments: Iterable[str] = (), extra: tuple[type, ...] = ()) -> Recipe:
    """A file, the name of a shipped recipe, a TOML text or a plain tree, with "path=value" words -> a checked Recipe.

    extra: kinds from outside. Refused: not there, not TOML, of a newer format, or with all its faults at once."""
    tree, lines = (dict(order), Lines(base=Path.cwd())) if isinstance(order, Mapping) else _parsed(order)
    tree, lines = override(tree, assignments, lines)
    _refuse_newer(tree, lines)
    form, faults = attempt(Recipe, tree, lines=lines, extra=extra)
    faults += port_faults(form, extra)
    if faults:
        raise refuse(faults, lines)
    return form


def settled(recipe: Recipe) -> Recipe:
    """The recipe with the objective that it leaves open."""
    if recipe.objective is not None:
        return recipe
    natural: dict[type, Objective] = {
        Classes: CrossEntropy(), Tokens: NextToken(), Reply: NextToken(), Gaps: NextToken(), Hidden: MaskedToken(),
        Tagged: WordTag(), Vector: Contrastive(),
    }  # fmt: skip
    return replace(recipe, objective=natural.get(recipe.codec.wants, SquaredError()))


def expanded(recipe: Recipe) -> dict[str, Any]:
    """The recipe with every value it stands for, as a plain tree that open_recipe reads back equal."""
    return write(settled(recipe), Recipe)


def shipped() -> dict[str, Path]:
    """The recipes that come with modelwright, by name."""
    folder = SHIPPED if SHIPPED.is_dir() else Path(__file__).parents[2] / "recipes"
    return {file.stem: file for file in sorted(folder.glob("*.toml"))}


# --- finding and reading ------------------------------------------------------------------------------------------------


def _parsed(source: Path | str) -> tuple[dict[str, Any], Lines]:
    if isinstance(source, str) and "\n" in source:
        return parse(source, base=Path.cwd())
    path = _found(Path(source))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise Refused(say("{path}:{line}  this is not UTF-8: save the recipe as UTF-8.", path=path, line=line)) from error
    except OSError as error:
        raise Refused(say("{path} cannot be read: {problem}", path=path, problem=error.strerror)) from error
    return parse(text, str(path), path.parent.absolute())


def _found(path: Path) -> Path:
    """The file itself, or the shipped recipe of that name."""
    if path.is_file():
        return path
    named = shipped()
    if path.parent == Path() and path.stem in named and path.suffix in ("", ".toml"):
        return named[path.stem]
    near = hint(path.stem, list(named))
    way_out = say("Give the path of a recipe, or the name of one that comes with modelwright: {hint}", hint=near)
    raise Refused(say("{path} is not there.", path=path), way_out)


def _refuse_newer(tree: Mapping[str, Any], lines: Lines) -> None:
    """A later format may mean anything, so nothing else is said of it."""
    given = tree.get("format", FORMAT)
    if type(given) is not int or given <= FORMAT:
        return
    facts = {"given": given, "version": __version__}
    told = say("modelwright 0.{given} or newer reads it; this is {version}: pip install -U modelwright", **facts)
    raise refuse([Fault(("format",), f"format = {given}", told)], lines)


# --- ports: which sections go together ----------------------------------------------------------------------------------


def port_faults(form: Recipe | Broken, extra: tuple[type, ...] = ()) -> list[Fault]:
    """What codec, model, objective, metrics and augmentation do not have in common; also of a recipe with other faults."""
    sections: Mapping[str, Any] = form.good if isinstance(form, Broken) else vars(form)
    codec = sections.get("codec")
    encoding = _class(codec)
    asked = list(compression_faults(sections.get("compression"), sections.get("promise"), getattr(codec, "wants", None)))
    if encoding is None:
        return asked
    found = [*asked, *_model_faults(encoding, codec, sections, extra), *_augmentation_faults(encoding, sections)]
    return found if isinstance(codec, Broken) else [*found, *_judging_faults(codec, sections, extra)]


def _model_faults(encoding: Any, codec: Any, sections: Mapping[str, Any], extra: tuple[type, ...]) -> Iterator[Fault]:
    family: Any = _class(sections.get("model"))
    if family is None:
        return
    wants = getattr(codec, "wants", None)  # of a broken section nothing is known
    readers = (one for one in _choices(Family, "model", extra) if set(one.accepts) & set(encoding.makes))
    fitting = _or([kind(one) for one in readers if wants is None or wants in writable(one)])
    facts = {"codec": kind(encoding), "model": kind(family), "fitting": fitting}
    if not set(encoding.makes) & set(family.accepts):
        facts |= {"makes": _names(encoding.makes), "reads": _names(family.accepts)}
        told = say("codec {codec} makes {makes}, but model {model} reads {reads}: use {fitting}", **facts)
        yield Fault(("model", "kind"), "", told)
    elif wants is not None and wants not in writable(family):
        facts |= {"wants": wants.__name__, "writes": _names(writable(family))}
        told = say("codec {codec} asks for {wants}, but model {model} writes {writes}: use {fitting}", **facts)
        yield Fault(("model", "kind"), "", told)


def _augmentation_faults(encoding: Any, sections: Mapping[str, Any]) -> Iterator[Fault]:
    for place, change in enumerate(sections.get("augmentation", ())):
        cls: Any = _class(change)
        if cls is not None and not set(cls.fits) & set(encoding.makes):
            facts = {"change": kind(cls), "fits": _names(cls.fits), "codec": kind(encoding), "makes": _names(encoding.makes)}
            told = say("augmentation {change} changes {fits}, but codec {codec} makes {makes}: leave it out", **facts)
            yield Fault(("augmentation", place, "kind"), "", told)


def _judging_faults(codec: Any, sections: Mapping[str, Any], extra: tuple[type, ...]) -> Iterator[Fault]:
    """Objective and metrics that judge something else than what the codec's label is."""
    evaluation = sections.get("evaluation")
    metrics = evaluation.good.get("metrics", ()) if isinstance(evaluation, Broken) else evaluation.metrics if evaluation else ()
    if codec.wants is Vector:
        yield from _cut_batches(sections.get("training"))
    yield from _misfit(codec, sections.get("objective"), ("objective",), _choices(Objective, "objective", extra))
    for place, metric in enumerate(metrics):
        yield from _misfit(codec, metric, ("evaluation", "metrics", place), _choices(Metric, "evaluation.metrics", extra))


def _cut_batches(training: Any) -> Iterator[Fault]:
    """Of vectors the batch is the question: a part of it would ask another one."""
    order = training.good.get("accumulate", 1) if isinstance(training, Broken) else training.accumulate if training else 1
    if order != 1:
        told = say("each text is held against all others of its batch, which a part of one does not have: leave it out")
        yield Fault(("training", "accumulate"), f"training.accumulate = {order}", told)


def _misfit(codec: Any, judge: Any, where: tuple[str | int, ...], choices: list[Any]) -> Iterator[Fault]:
    cls: Any = _class(judge)
    if cls is None or codec.wants in cls.fits:
        return
    facts = {"judge": kind(cls), "fits": _names(cls.fits), "codec": kind(type(codec)), "wants": codec.wants.__name__}
    fitting = _or([kind(one) for one in choices if codec.wants in one.fits])
    told = say("{judge} judges {fits}, but codec {codec} asks for {wants}: use {fitting}", **facts, fitting=fitting)
    yield Fault((*where, "kind"), "", told)


def _class(section: Any) -> type | None:
    """The kind that a section chose, also where its values are wrong; None where that is not clear."""
    return section.cls if isinstance(section, Broken) else None if section is None else type(section)


def _choices(registry: Any, section: str, extra: tuple[type, ...]) -> list[Any]:
    return [*kinds(registry), *(guest for guest in extra if getattr(guest, "room", None) == section)]


def _names(ports: tuple[type, ...]) -> str:
    return ", ".join(port.__name__ for port in ports)


def _or(words: list[str]) -> str:
    """a, b or c"""
    return say("{some} or {last}", some=", ".join(words[:-1]), last=words[-1]) if len(words) > 1 else "".join(words)
