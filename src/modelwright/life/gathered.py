"""The rows of a life: gathered, judged, encoded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from modelwright import data, machine, vault
from modelwright.data.codecs import Columns, Conversations, Documents, Sentences, Tags, Texts
from modelwright.data.splits import Given
from modelwright.folder import RunFolder
from modelwright.life.begun import opened, read_as
from modelwright.nouns import PARTS, Batch, Codec, Note, Part, Refused, Reply, Rows, Tagged, Tokens, Vector, Watch
from modelwright.recipe import Recipe
from modelwright.report import figures
from modelwright.stages import Encoded, Material, Start, silent, stage
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    import numpy as np

    from modelwright.data.codecs.documents.passages import Passages

MISREAD = ("amount", "date", "name", "spelling")
"""Notes on what is not read as people mean it: they are said at once, for the score will be low and nobody know why."""
LARGE = 8
"""Documents of more than one part in so many of the free memory are mapped: read, judged and encoded they may take it all."""


def gather(recipe: Recipe, table: data.Frame | None = None, watch: Watch = silent) -> Material:
    """Reads all rows, parts them and judges them."""
    began = time.perf_counter()
    with stage("check", watch) as words:
        whole, mapped = _read(recipe, table, watch)
        rows, dropped = data.distinct(whole, recipe.codec, recipe.check)
        parts = parted(recipe, rows)
        rows, whole = _without_part(rows, recipe), _without_part(whole, recipe)
        findings = data.check(rows, parts, recipe.codec, recipe.check) + ((dropped,) if dropped else ())
        grave = sum(finding.grave for finding in findings)
        sizes = " · ".join(f"{figures.part_name(part)} {len(parts[part]):,}" for part in PARTS)
        words.append(say("{rows} rows", rows=f"{len(rows):,}") + f" ({sizes})")
        found = say_many("{n} note", "{n} notes", len(findings) - grave)
        words.append(say("{grave} grave", grave=grave) + f" · {found}" if grave else say("no grave findings") + f" · {found}")
        words += [finding.sentence.partition("\n")[0] for finding in findings if finding.name in MISREAD and not finding.grave]
    return Material(rows, parts, findings, data.fingerprint(whole), time.perf_counter() - began, mapped)


def parted(recipe: Recipe, rows: Rows) -> dict[Part, np.ndarray]:
    """Positions of each part. Labels that are texts or lists are no classes. Of pairs for vectors the first text alone decides
    by its hash: one that stands in several pairs is in one part."""
    codec, rule = recipe.codec, recipe.data.split
    rows = data.plainly(rows, codec) if isinstance(codec, Columns) else rows
    if isinstance(codec, Sentences) and codec.column in rows.columns.columns:
        kept = {codec.column, *({rule.column} & set(rows.columns.columns) if isinstance(rule, Given) else ())}
        rows = Rows(rows.ids, rows.columns.select(sorted(kept)))
    return data.split(rule, rows, codec.label, recipe.seed, codec.wants not in (Reply, Tagged))


def _read(recipe: Recipe, table: data.Frame | None, watch: Watch) -> tuple[Rows, bool]:
    """All rows; and whether they are mapped, as they are where that is ordered and they are texts."""
    found = data.mapped(recipe.data, _progress("check", watch)) if table is None and _is_mapped(recipe) else None
    return (data.read(table or recipe.data), False) if found is None else (found, True)


def _is_mapped(recipe: Recipe) -> bool:
    """Whether rows and tokens lie in the cache. Of a sealed run nothing that was the user's lies there in clear."""
    order = recipe.machine.mapped
    if not order or not isinstance(recipe.codec, Documents) or vault.seals_now():
        return False
    return order is True or data.source_bytes(recipe.data) > machine.memory_limit() // LARGE


def _progress(name: str, watch: Watch) -> Callable[[int, int], None]:
    return lambda done, total: watch(Note(name, f"{done / max(1, total):.0%}", done, max(1, total)))


def _without_part(rows: Rows, recipe: Recipe) -> Rows:
    """A column that says which part a row is in has told all it knows: it is nothing to learn from."""
    rule, codec = recipe.data.split, recipe.codec
    if not isinstance(rule, Given) or (isinstance(codec, Columns) and rule.column in codec.ignore):
        return rows
    return Rows(rows.ids, rows.columns.drop(rule.column))


def same_data(folder: RunFolder, material: Material) -> None:
    """Remembers the data of a new run; refuses other data in a folder that has begun."""
    if not folder.facts.exists():
        folder.settle({"data": material.fingerprint})
    elif folder.settled()["data"] != material.fingerprint:
        raise Refused(
            say("{folder} was begun with other data: what the recipe names has changed since.", folder=folder.path),
            say("Give this run a folder of its own with -o FOLDER, or begin again there with --fresh."),
        )


def late_findings(material: Material, recipe: Recipe) -> data.Findings:
    """What is known of all rows once the codec is fitted, and not before."""
    if not isinstance(recipe.codec, (Texts, Conversations, Tags, Sentences)):
        return ()
    _, start = opened(recipe, material)
    codec = read_as(recipe.codec.fit(data.chunks(material.rows, material.parts["train"])), start)
    return data.late_findings(material.rows, codec)


def refuse_grave(material: Material, recipe: Recipe) -> None:
    """Grave findings stop a life unless the recipe accepts them by name."""
    grave = [finding for finding in material.findings if finding.grave and finding.name not in recipe.check.accept]
    if grave:
        names = ", ".join(f'"{finding.name}"' for finding in grave)
        accept = say("Nothing was trained. To go on all the same: [check] accept = [{names}]", names=names)
        raise Refused(*(finding.sentence for finding in grave), accept)


def _learned_from(codec: Codec, train: Batch) -> str:
    if isinstance(codec.writes[0].kind, (Tokens, Tagged, Vector)):
        return data.became(train, codec).sentence
    return say("{used} rows to learn from", used=f"{len(train['row']):,}")


def _encoded(codec: Codec, material: Material, part: Part, watch: Watch) -> tuple[Batch, int, str]:
    """One part as tensors, how many of its rows were left out, and why the first of them was."""
    if isinstance(codec.encoding, (Documents, Conversations)):
        fingerprint = material.fingerprint if material.mapped else None
        told = _progress("encode", watch)
        return *data.passages(cast("Passages", codec), material.rows, material.parts[part], told, fingerprint), ""
    batch, faults = data.encode_all(codec, material.rows, material.parts[part])
    return *data.without(batch, faults), data.first_fault(faults)


def encode(recipe: Recipe, material: Material, start: Start | None = None, watch: Watch = silent) -> Encoded:
    """Fits the codec on training rows alone and turns every part into tensors; rows with faults are left out of training."""
    began = time.perf_counter()
    with stage("encode", watch) as words:
        learned_from = data.chunks(material.rows, material.parts["train"])
        fitted = recipe.codec.fit(learned_from)
        codec = read_as(fitted, start)
        batches: dict[Part, Batch] = {}
        dropped, why = 0, ""
        for part in ("train", "validation"):
            batches[part], gone, first = _encoded(codec, material, part, watch)
            dropped, why = dropped + gone, why or first
        repaired = sum(map(fitted.repairs, learned_from()))
        train = batches["train"]
        words.append(_learned_from(codec, train))
        words[0] += (" · " + say("{dropped} dropped", dropped=f"{dropped:,}")) if dropped else ""
        words[0] += (" · " + say("{repaired} repaired", repaired=f"{repaired:,}")) if repaired else ""
        words += [say("the first that was dropped: {why}", why=why)] if why else []
        words += [late.sentence for late in data.late_findings(material.part("train"), codec)]
    return Encoded(codec, batches, dropped, repaired, time.perf_counter() - began, start)
