"""Artifacts that hold what was learned beside a base, and not the base: how they name it and how they find it again."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from modelwright import vault
from modelwright.compression import Adapted
from modelwright.nouns import Artifact, Edit, Reference, Refused
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor


def adapted(edits: tuple[Edit, ...]) -> Adapted | None:
    """What was learned beside a base, where an artifact holds that alone."""
    return next((edit for edit in edits if isinstance(edit, Adapted)), None)


def leans(artifact: Artifact) -> bool:
    """Whether it is of use with its base alone."""
    return adapted(artifact.edits) is not None


def named(folder: Path) -> Reference:
    """How a base is named while this process lives: where it lies, and the digest of its manifest."""
    manifest, _ = vault.attested(folder)
    return Reference(str(folder.resolve()), sha256(manifest).hexdigest())


def from_there(artifact: Artifact, folder: Path) -> Reference | None:
    """The base as an artifact in this folder names it: where it lies as seen from there, or its last name where it is not
    needed again, for the way to it is about somebody's machine."""
    base = artifact.base
    if base is None or adapted(artifact.edits) is None:
        return base and Reference(Path(base.path).name, base.digest)
    try:
        path = Path(os.path.relpath(base.path, folder.resolve()))
    except ValueError:  # on another drive
        path = Path(base.path)
    return Reference(path.as_posix(), base.digest)


def found(base: Reference, folder: Path) -> Reference:
    """The base that the artifact in this folder leans on. Refused: it is not there, or it is another by now."""
    path = Path(os.path.normpath(folder.resolve() / base.path))
    facts = {"folder": folder, "base": path, "digest": base.digest[:12]}
    if not path.is_dir():
        raise Refused(
            say("{folder} holds what was learned beside a base alone, and the base is not at {base}.", **facts),
            say("Put the artifact whose manifest has the SHA-256 {digest}... there.", **facts),
        )
    there = named(path)
    if there.digest != base.digest:
        raise Refused(
            say("{folder} was learned beside another base than what lies at {base} now.", **facts),
            say("Put the artifact whose manifest has the SHA-256 {digest}... there.", **facts),
        )
    return there


def joined(
    edits: tuple[Edit, ...], base: Mapping[str, Tensor], own: Mapping[str, Tensor], wanted: Collection[str]
) -> dict[str, Tensor]:
    """The weights of a model that leans on a base: what it learned, and of the rest what the base has and it wants."""
    from modelwright.compression.surgery import converted

    return {**{name: weight for name, weight in converted(cast(Any, edits), base).items() if name in wanted}, **own}
