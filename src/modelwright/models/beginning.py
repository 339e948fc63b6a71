"""The weights that a model begins with, and which of them learn. Knows no artifact and no file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelwright.models.lora import Lora
from modelwright.models.unfreeze import Unfreeze
from modelwright.nouns import Origin, Port, Reference, Refused
from modelwright.reader import nearest
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

HEADS = ("heads.", "write.", "guess.")
"""How the names of those layers begin that write the answer."""
POOLED = "pool."
"""And of one before them, that only heads of labels have."""
SHOWN = 8


@dataclass(frozen=True)
class Beginning:
    weights: Mapping[str, Tensor] = field(repr=False)
    writes: tuple[Port, ...]
    """What their heads write."""
    base: Reference
    origin: Origin | None = None
    """Whose weights those of the base were, where they were others'."""
    train: tuple[str, ...] = ()
    """Beginnings of the names of those that learn; empty: all of them."""
    lora: Lora | None = None
    """What learns beside them, where that alone does."""
    unfreeze: tuple[Unfreeze, ...] = ()
    """What learns later."""

    def named(self) -> Iterator[tuple[str, str]]:
        """Each beginning of a name, after the recipe's path to it."""
        yield from (("model.train", wanted) for wanted in self.train)
        for place, later in enumerate(self.unfreeze):
            yield from ((f"model.unfreeze[{place}].train", wanted) for wanted in later.train)


def begin(module: Module, beginning: Beginning, writes: tuple[Port, ...], seed: int = 0) -> None:
    """The module, perhaps without memory of its own, takes the weights, but for heads that write something else, and what does
    not learn needs no gradient. Of what does, it has copies; the rest is the base's own, which nobody changes.

    seed: of what is drawn beside them. Refused: a weight that has no place or another shape, and a name that is nowhere."""
    from modelwright.models.networks import beside, narrow

    ours = module.state_dict()
    stays = {name: weight for name, weight in beginning.weights.items() if _stays(name, beginning, writes)}
    carried = {name: weight for name, weight in stays.items() if name in ours or not name.startswith(POOLED)}
    fresh = {name for name in ours if name.startswith(HEADS)} if writes != beginning.writes else set[str]()
    fresh |= {name for name in ours if name.startswith(POOLED) and name not in carried}
    _refuse_misfit({name: weight for name, weight in ours.items() if name not in fresh}, carried, beginning.base)
    freeze(module, beginning, fresh)
    still = {name for name, weight in module.named_parameters() if not weight.requires_grad}
    taken = {name: weight if name in still else weight.to(ours[name].dtype, copy=True) for name, weight in carried.items()}
    module.load_state_dict(taken, strict=False, assign=True)
    if beginning.lora is not None:
        beside.put_beside(module, beside.chosen(module, beginning.lora, HEADS), beginning.lora)
        beside.draw(module, seed)
    narrow.put_narrow(module)


def as_stored(train: tuple[str, ...], lora: Lora | None) -> Callable[[str, Tensor], Tensor]:
    """How a weight of a base, by its name, is to lie beside what learns."""
    from modelwright.models.networks import narrow

    def stored(name: str, weight: Tensor) -> Tensor:
        learns = any(_under(name, wanted) for wanted in train)
        return weight.bfloat16() if narrow.narrows(name, weight, [name] if learns else ()) else weight

    return stored if lora is not None and lora.stored == "bfloat16" else lambda name, weight: weight


def freeze(module: Module, beginning: Beginning, fresh: Collection[str] = ()) -> None:
    """Only what learns, now or later, has a gradient: what is named, and heads that were drawn; where nothing is named and
    nothing stands beside, all. Refused: a name that no weight begins with."""
    named, weights = list(beginning.named()), dict(module.named_parameters())
    for path, wanted in named:
        if not any(_under(name, wanted) for name in weights):
            raise _nowhere(path, wanted, weights)
    whole = not named and beginning.lora is None
    for name, weight in weights.items():
        weight.requires_grad_(whole or name in fresh or any(_under(name, wanted) for _, wanted in named))


def later(module: Module, beginning: Beginning, writes: tuple[Port, ...]) -> dict[int, frozenset[str]]:
    """By the epochs that they wait: the names of the weights that learn later. What is named twice waits for the first.

    Refused: where nothing learns at first, and what waits for nothing, since it learned before."""
    if beginning.unfreeze and not beginning.train and beginning.lora is None:
        told = say("model.unfreeze says what learns later, and model.train does not say what learns from the beginning.")
        raise Refused(told, say('Name that too, as model.train = ["heads"].'))
    found: dict[int, frozenset[str]] = {}
    learning = [name for name, weight in module.named_parameters() if weight.requires_grad]
    early = {name for name in learning if _early(name, beginning, writes)}
    for one in sorted(beginning.unfreeze, key=lambda one: one.after):
        mine = {name for name in learning if any(_under(name, wanted) for wanted in one.train)} - early
        if not mine:
            told = say("All that model.unfreeze names after {n} epochs learns before that.", n=one.after)
            raise Refused(told, say("Name each part of the model once: in train, or after its number of epochs."))
        found[one.after] = found.get(one.after, frozenset()) | mine
        early |= mine
    return found


def _early(name: str, beginning: Beginning, writes: tuple[Port, ...]) -> bool:
    """Whether what learns at all learns from the first step on: all but what is named as later alone."""
    if any(_under(name, wanted) for wanted in beginning.train) or not _stays(name, beginning, writes):
        return True
    return not any(_under(name, wanted) for one in beginning.unfreeze for wanted in one.train)


def _nowhere(path: str, wanted: str, names: Collection[str]) -> Refused:
    """The sentence for a name that no weight begins with, with the nearest that is there."""
    known = list(dict.fromkeys(".".join(name.split(".")[: 2 if name[:6] == "blocks" else 1]) for name in names))
    parts = (name.split(".") for name in names)
    near = nearest(wanted, [*known, *(".".join(part[:most]) for part in parts for most in range(1, len(part) + 1))])
    told = say('{path} names "{wanted}", and no weight begins so.', path=path, wanted=wanted)
    ways = (say("Did you mean {near}?", near=near),) if near else ()
    return Refused(told, *ways, say("There are: {names}", names=", ".join(known)))


def _under(name: str, wanted: str) -> bool:
    """blocks.1 is above blocks.1.norms, and not above blocks.11."""
    return name == wanted or name.startswith(wanted.rstrip(".") + ".")


def _stays(name: str, beginning: Beginning, writes: tuple[Port, ...]) -> bool:
    return writes == beginning.writes or not name.startswith(HEADS)


def _refuse_misfit(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], base: Reference) -> None:
    wrong = [
        *(say("{name} is missing", name=name) for name in wanted.keys() - found.keys()),
        *(say("{name} is not of this model", name=name) for name in found.keys() - wanted.keys()),
        *(
            say("{name} has shape {found}, the model needs {needed}", name=name, found=list(weight.shape),
                needed=list(wanted[name].shape))
            for name, weight in found.items() if name in wanted and wanted[name].shape != weight.shape
        ),
    ]  # fmt: skip
    if wrong:
        listing = "; ".join(sorted(wrong)[:SHOWN])
        raise Refused(say("The weights of {path} do not fit this recipe: {faults}.", path=base.path, faults=listing))
