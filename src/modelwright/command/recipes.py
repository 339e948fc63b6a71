"""What is done with a recipe short of leading its life. Heavy rooms open inside a verb."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.command.asked import answer, err, kinds, opened, out, refuse_there
from modelwright.wording import say

if TYPE_CHECKING:
    from modelwright.data.gaps import CountedGaps
    from modelwright.data.hidden import CountedHidden, ExampleHidden
    from modelwright.data.likened import CountedLikes, ExampleLikes
    from modelwright.data.replied import CountedPairs, ExamplePair
    from modelwright.data.tagged import CountedTags, ExampleTags
    from modelwright.data.unlabelled import Counted, Example
    from modelwright.recipe import Recipe
    from modelwright.stages import Material


def init(words: Namespace) -> int:
    from modelwright import drafting, vault
    from modelwright.reader import override

    seen = drafting.look(words.path, words.label, words.set)
    start = words.out.parent if words.out else Path.cwd()
    tree, _ = override(drafting.draft(seen, start), words.set)
    text = drafting.commented(tree, seen)
    if words.out is None:
        out(text)
        return 0
    refuse_there(words.out)
    vault.put_file(words.out, text.encode())
    from modelwright.report.sentences import quoted

    told = say("{path} is written. Next: modelwright run {path}", path=quoted(words.out))
    return answer(words, {"recipe": str(words.out)}, told)


def show(words: Namespace) -> int:
    from modelwright.reader import to_toml
    from modelwright.recipe import expanded

    recipe, _ = opened(words)
    return answer(words, expanded(recipe), to_toml(expanded(recipe)))


def schema(words: Namespace) -> int:
    from modelwright.reader import schema as schema_of
    from modelwright.recipe import Recipe

    out(json.dumps(schema_of(Recipe, kinds(words)), indent=1, ensure_ascii=False))
    return 0


def check(words: Namespace) -> int:
    recipe, _ = opened(words)
    from modelwright import life

    material = life.gather(recipe)
    grave = [finding for finding in material.findings if finding.grave and finding.name not in recipe.check.accept]
    findings = material.findings if grave else (*material.findings, *life.late_findings(material, recipe))
    plain = [{**asdict(finding), "rows": list(finding.rows)} for finding in findings]
    lines = [line for finding in findings for line in (finding.sentence, *(f"  {one}" for one in finding.examples))]
    from modelwright.nouns import Tagged, Tokens, Vector

    text = "\n".join(lines) or say("Nothing to report: the data is clean.")
    told: dict[str, Any] = {}
    if issubclass(recipe.codec.wants, (Tokens, Tagged, Vector)) and not grave:
        counted, examples = _passages(recipe, material)
        heading = _heading(recipe)
        text = "\n".join((text, counted.sentence, heading, *(one.line for one in examples)))
        told = {"counted": asdict(counted), "examples": [asdict(one) for one in examples]}
    answer(words, {"rows": len(material.rows), "findings": plain, **told}, text)
    return 2 if grave else 0


def _heading(recipe: Recipe) -> str:
    from modelwright.nouns import Hidden, Tagged, Vector

    if recipe.codec.wants is Hidden:
        return say("Tokens that bear loss, each with what is read in its place; in brackets all others:")
    if recipe.codec.wants is Tagged:
        return say("Tokens that bear loss, each with its tag; in brackets all others:")
    if recipe.codec.wants is Vector:
        return say("Pairs that bear loss have = between them; ≠ stands before what is a negative:")
    return say("What follows bears loss, but for what is in brackets:")


def _passages(
    recipe: Recipe, material: Material
) -> tuple[
    Counted | CountedPairs | CountedGaps | CountedHidden | CountedTags | CountedLikes,
    list[Example] | list[ExamplePair] | list[ExampleHidden] | list[ExampleTags] | list[ExampleLikes],
]:
    """What the training rows become, and ten of their passages or pairs."""
    from modelwright import data, life

    recipe, start = life.opened(recipe, material)
    encoded = life.encode(recipe, material, start)
    train = encoded.batches["train"]
    return data.became(train, encoded.codec), data.examples(encoded.codec, train, 10)


def plan(words: Namespace) -> int:
    recipe, name = opened(words)
    from modelwright import foreseeing, life, planning

    folder = words.out or Path("runs") / name
    made = life.foresee(recipe, folder) if words.here else foreseeing.plan(recipe, folder, words.kinds)
    return answer(words, made.plain(), planning.table(made))


def rehearse(words: Namespace) -> int:
    recipe, name = opened(words)
    from dataclasses import replace

    from modelwright import foreseeing, rehearsing

    found = rehearsing.rehearse(recipe)
    if found.fault is None:
        found = replace(found, plan=foreseeing.plan(recipe, Path("runs") / name, words.kinds))
    answer(words, found.plain(), rehearsing.told(found))
    return 0 if found.fault is None else 2


def prove(words: Namespace) -> int:
    recipe, _ = opened(words)
    from modelwright import proving

    tell = None if words.quiet else err
    if words.property == "parity":
        proof = proving.parity(recipe, tell, words.kinds)
    else:
        proof = proving.resume(recipe, words.kills, tell, words.kinds)
    answer(words, proof.plain(), proof.sentence())
    return 0 if proof.holds else 1
