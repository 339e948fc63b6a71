"""The artifact that a recipe begins with, opened once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modelwright import shelf
from modelwright.data.codecs.alike import reading_as
from modelwright.folder import RunFolder
from modelwright.life.elsewhere import refuse_elsewhere
from modelwright.models import Base
from modelwright.models.beginning import Beginning, as_stored
from modelwright.nouns import Artifact, Codec, Part, Refused
from modelwright.recipe import Recipe
from modelwright.report.figures import part_name
from modelwright.stages import Material, Start
from modelwright.wording import say

JUDGES: tuple[Part, ...] = ("validation", "test")


def opened(recipe: Recipe, material: Material) -> tuple[Recipe, Start | None]:
    """The recipe with the family that its base is of, and the base. Refused: an artifact that was compressed, or has learned
    from rows that are to judge."""
    base = recipe.model
    if not isinstance(base, Base):
        refuse_elsewhere(recipe, None)
        return recipe, None
    learning = (*base.train, *(name for later in base.unfreeze for name in later.train))
    artifact = shelf.take(base.artifact, stored=as_stored(learning, base.lora))
    refuse_elsewhere(recipe, artifact.codec.encoding.wants)
    _refuse_edited(base, artifact)
    if base.lora is not None and recipe.promise is not None:
        told = say("What is learned beside a base is not compressed: what would be stored is small already.")
        raise Refused(told, say("Leave out [promise] and [[compression]], or compress what modelwright merge makes of it."))
    weights, named = artifact.module.state_dict(), shelf.named(base.artifact)
    beginning = Beginning(weights, artifact.codec.writes, named, artifact.origin, base.train, base.lora, base.unfreeze)
    none = np.empty(0, np.int64)
    start = Start(artifact.codec, beginning, artifact.fingerprints.get("data", ""), artifact.rows.get("train", none))
    _refuse_known(material, start)
    return replace(recipe, model=artifact.family), start


def _refuse_edited(base: Base, artifact: Artifact) -> None:
    """Weights that were rounded, narrowed, or lie in another folder."""
    if shelf.leans(artifact):
        told = say("{path} holds what was learned beside another base: it cannot be a base itself.", path=base.artifact)
        raise Refused(told, say("Fold it in first: modelwright merge {path} -o FOLDER", path=base.artifact))
    if artifact.edits:
        told = say("{path} was compressed: its weights cannot learn on.", path=base.artifact)
        raise Refused(told, say("Name what it was made of: the folder original beside it, or another artifact."))


def same_base(folder: RunFolder, start: Start | None) -> None:
    """Remembers the base of a new run; refuses another in a folder that has begun."""
    digest = start.beginning.base.digest if start else ""
    known = folder.settled()
    if "base" not in known:
        folder.settle({"base": digest})
    elif known["base"] != digest:
        raise Refused(
            say("{folder} was begun with another base: the artifact that the recipe names has changed since.",
                folder=folder.path),
            say("Give this run a folder of its own with -o FOLDER, or begin again there with --fresh."),
        )  # fmt: skip


def _refuse_known(material: Material, start: Start) -> None:
    """Test or validation rows that the base has learned from would make it look better than it is."""
    if start.fingerprint != material.fingerprint:
        return
    for part in JUDGES:
        known = np.isin(material.rows.ids[material.parts[part]], start.learned).sum()
        if known:
            told = say("The base has learned from {n} of the rows of the part {part}: nothing could be proved with them.",
                       n=f"{known:,}", part=part_name(part))  # fmt: skip
            raise Refused(told, say("Part the rows as its recipe does: the same seed and data.split."))


def read_as(codec: Codec, start: Start | None) -> Codec:
    """The codec as the base reads rows, where there is one."""
    return reading_as(codec, start.codec) if start else codec
