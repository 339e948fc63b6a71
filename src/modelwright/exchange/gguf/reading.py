"""A GGUF file becomes an artifact: its weights as float32, its tokenizer, its chat template. Nothing in it is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from modelwright import models
from modelwright.data.codecs import Documents
from modelwright.data.codecs.documents import Foreign
from modelwright.data.codecs.documents.passages import Passages
from modelwright.data.codecs.tokens import foreign
from modelwright.exchange.gguf.llama import KEY, QUERY, TABLE, described, unturned
from modelwright.exchange.gguf.opening import READ, Opened, opened
from modelwright.exchange.gguf.tokenizers import tokenizer
from modelwright.exchange.huggingface.shapes import Described, refuse_impossible, shapes_of
from modelwright.exchange.renaming import Tensors, given, places
from modelwright.models import Decoder
from modelwright.nouns import Artifact, Origin, Refused
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

SHOWN = 3
"""Faults that a sentence names."""
TOLD = 200
"""Characters that are kept of what a file says of itself."""


def adopted(file: Path) -> Artifact:
    """Refused, with what is wrong and where."""
    told = opened(file)
    model = described(told)
    refuse_impossible(model, file)
    read = foreign.fitted(tokenizer(told), model.alphabet)
    codec = Passages(Documents(longest=model.longest, tokenizer=Foreign(Path(foreign.LIBRARY))), read, model.longest)
    module = filled(told, model, codec)
    made = Artifact(family=model.family, codec=codec, module=module, origin=_origin(told))
    assert made.origin is not None
    count = sum(weight.numel() for weight in module.parameters())
    numbers = ", ".join(sorted({told.numbers(name) for name in told.tensors}))
    facts = {"model": made.origin.model, "shape": "llama", "n": f"{count:,}", "numbers": numbers}
    return made.told(say("adopted from {model}: the shape of {shape}, {n} weights, read as float32 from {numbers}", **facts))


def filled(told: Opened, model: Described, codec: Passages) -> Module:
    """The module with the file's weights. Refused: a tensor is missing, of no use, misshapen, or of numbers that are none."""
    import torch

    with torch.device("meta"):
        module = models.build(model.family, codec.reads, codec.writes, seed=0)
    wanted = module.state_dict()
    lies = places(TABLE, wanted)
    _refuse_unlike(told, shapes_of(given(lies, wanted)) | dict(model.extra))
    assert isinstance(model.family, Decoder)
    ours: Tensors = {}
    for place in lies:
        ours[place.ours[0]] = _read(told, place.theirs, model.family)
    module.load_state_dict(ours, assign=True)
    return module.eval()


def _read(told: Opened, name: str, family: Decoder) -> Tensor:
    import torch

    found = told.read(name)
    if not torch.isfinite(found).all():
        raise _unfit(told, [say("{name} holds numbers that are none (NaN or infinite)", name=name)])
    if name.endswith((QUERY, KEY)):
        return unturned(found, family.attending.heads if name.endswith(QUERY) else family.attending.groups)
    return found


def _refuse_unlike(told: Opened, wanted: dict[str, tuple[int, ...]]) -> None:
    faults = [say("{name} is missing", name=name) for name in wanted if name not in told.tensors]
    faults += [say("{name} is not of this model", name=name) for name in sorted(told.tensors.keys() - wanted.keys())]
    for name in (name for name in wanted if name in told.tensors):
        found, numbers = told.shape(name), told.numbers(name)
        if found != wanted[name]:
            facts = {"name": name, "found": list(found), "needed": list(wanted[name])}
            faults.append(say("{name} has shape {found}, the model needs {needed}", **facts))
        elif numbers not in READ:
            faults.append(say("{name} is of {numbers}, and {read} are read", name=name, numbers=numbers, read=", ".join(READ)))
    if faults:
        raise _unfit(told, faults)


def _unfit(told: Opened, faults: list[str]) -> Refused:
    """The first of the faults, and how many more."""
    said = "; ".join(faults[:SHOWN])
    if len(faults) > SHOWN:
        said += "; " + say_many("and {n} more", "and {n} more", len(faults) - SHOWN)
    return Refused(say("{file} does not fit the model that it describes: {faults}.", file=told.file, faults=said))


def _origin(told: Opened) -> Origin:
    """As the file says of itself."""

    def said(name: str) -> str:
        found = told.fact(f"general.{name}")
        return found[:TOLD] if isinstance(found, str) else ""

    base = said("base_model.0.repo_url") or said("base_model.0.name")
    return Origin(model=said("name") or told.file.stem, format="gguf", digest=told.digest(), licence=said("license"), base=base)
