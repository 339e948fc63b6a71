"""What each verb does with its words: open what they name, call the life, show what came. Heavy rooms open inside a verb."""

from __future__ import annotations

import importlib
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import parallel
from modelwright.folder import RunFolder
from modelwright.nouns import Refused, Unkept
from modelwright.wording import say, say_many

if TYPE_CHECKING:
    from modelwright.recipe import Recipe

DATA_ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".npz")


def out(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def err(text: str) -> None:
    sys.stderr.write(text + "\n")


def answer(words: Namespace, plain: dict[str, Any], text: str) -> int:
    """The result: one JSON object where that was asked for, else the text."""
    if words.json:
        out(json.dumps(plain, ensure_ascii=False))
    elif not words.quiet:
        out(text)
    return 0


def opened(words: Namespace) -> tuple[Recipe, str]:
    """The recipe that the words name, and the name its run goes by."""
    from modelwright.recipe import open_recipe

    assignments = [*words.set, *([f'machine.device="{words.device}"'] if words.device else [])]
    path = Path(words.recipe)
    if path.suffix.lower() in DATA_ENDINGS or path.is_dir():
        from modelwright import drafting

        return open_recipe(drafting.draft(drafting.look(path, words.label)), assignments, kinds(words)), path.stem
    if words.label:
        raise Refused(say("--label goes with a data file; in a recipe the label is codec.label."))
    return open_recipe(words.recipe, assignments, kinds(words)), path.stem


def kinds(words: Namespace) -> tuple[type, ...]:
    """The kinds of the user's own modules: every class there that names its room."""
    found: list[type] = []
    for name in words.kinds:
        sys.path.insert(0, str(Path.cwd()))
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise Refused(say("--kinds {name} cannot be imported: {error}", name=name, error=error)) from error
        finally:
            sys.path.pop(0)
        found += [member for member in vars(module).values() if isinstance(member, type) and "room" in vars(member)]
    return tuple(found)


def init(words: Namespace) -> int:
    from modelwright import drafting, vault

    seen = drafting.look(words.path, words.label)
    start = words.out.parent if words.out else Path.cwd()
    text = drafting.commented(drafting.draft(seen, start), seen)
    if words.out is None:
        out(text)
        return 0
    if words.out.exists():
        raise Refused(say("{path} is there already and is not overwritten: give another name with -o.", path=words.out))
    vault.put_file(words.out, text.encode())
    return answer(words, {"recipe": str(words.out)}, say("{path} is written. Next: modelwright run {path}", path=words.out))


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
    grave = [finding for finding in material.findings if finding.grave]
    plain = [
        {"name": f.name, "grave": f.grave, "count": f.count, "rows": list(f.rows), "sentence": f.sentence}
        for f in material.findings
    ]
    text = "\n".join(finding.sentence for finding in material.findings) or say("Nothing to report: the data is clean.")
    answer(words, {"rows": len(material.rows), "findings": plain}, text)
    return 2 if grave else 0


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


def run(words: Namespace) -> int:
    recipe, name = opened(words)  # before anything heavy is loaded: a wrong recipe is refused at once
    folder = RunFolder(words.out or Path("runs") / name)
    if (code := _led_by_others(words, recipe, folder)) is not None:
        return code
    from modelwright import life
    from modelwright.command.screen import Screen

    with Screen(quiet=words.quiet, to_stderr=words.json) as screen, stopping() as stop:
        together = parallel.join()
        if together.rank:
            return life.assist(recipe, folder, together)
        lived = life.run(recipe, folder, life.Opening(words.resume, words.fresh, stop, together=together), screen.note)
    if not words.json:
        screen.ending(lived)
    else:
        answer(words, lived.plain(), "")
    unkept = lived.board.unkept if lived.board else ""
    if unkept:
        raise Unkept(say("Promise not kept: {promise}.", promise=unkept))
    return 0


def train(words: Namespace) -> int:
    recipe, name = opened(words)
    folder = RunFolder(words.out or Path("runs") / name)
    if (code := _led_by_others(words, recipe, folder)) is not None:
        return code
    from modelwright import life
    from modelwright.command.screen import Screen

    with Screen(quiet=words.quiet, to_stderr=words.json) as screen, stopping() as stop:
        together = parallel.join()
        if together.rank:
            return life.assist(recipe, folder, together)
        opening = life.Opening(words.resume, words.fresh, stop, together=together)
        learned = life.only_train(recipe, folder, opening, screen.note)
    facts = {"run": str(folder.path), **(learned.plain() if learned else {})}
    if learned is None:
        return answer(words, facts, say("{folder} holds a finished run.", folder=folder.path))
    where = {"recipe": folder.recipe, "folder": folder.path}
    return answer(words, facts, say("Evaluate, shelve, report: modelwright run {recipe} -o {folder} --resume", **where))


def _led_by_others(words: Namespace, recipe: Recipe, folder: RunFolder) -> int | None:
    """The exit code of the work of several processes; None where this one works, as a worker or alone."""
    if words.processes == 1 or parallel.is_worker():
        return None
    from modelwright.command import several

    return several.led(words, recipe, folder)


@contextmanager
def stopping() -> Generator[Callable[[], bool], None, None]:
    """Gives the question whether to stop. A worker is asked by its leader, never by a signal."""
    from modelwright.command.interrupt import asked_to_stop, deaf

    if asked := parallel.asked_to_stop():
        with deaf():
            yield asked
    else:
        with asked_to_stop() as stop:
            yield stop


def predict(words: Namespace) -> int:
    from modelwright import shelf, using
    from modelwright.command.screen import Screen

    artifact = shelf.take(words.artifact, kinds(words))
    with Screen(quiet=words.quiet, to_stderr=words.json) as screen:
        rows, faulty = using.predict(artifact, words.rows, words.out, screen.note)
    said = say_many("{n} row answered in {path}", "{n} rows answered in {path}", rows, path=words.out)
    if faulty:
        said += "; " + say_many("{n} could not be read and says why", "{n} could not be read and say why", faulty)
    return answer(words, {"rows": rows, "faulty": faulty, "answers": str(words.out)}, said)


def compress(words: Namespace) -> int:
    from modelwright import shelf, smaller, vault
    from modelwright.command.screen import Screen
    from modelwright.compression import Compression, Promise
    from modelwright.nouns import Classes
    from modelwright.reader import read

    artifact = shelf.take(words.artifact, kinds(words))
    metric = "accuracy" if isinstance(artifact.codec.writes[0].kind, Classes) else "mae"
    named = [{"kind": "prune", "keep": words.keep, "epochs": words.epochs}] if words.keep is not None else []
    steps = tuple(read(Compression, step, "compression") for step in (*named, {"kind": "int8"}))
    order = smaller.Order(steps, read(Promise, {"metric": metric, "loss": words.loss}, "promise"), words.out)
    if words.out.exists():
        raise Refused(say("{path} is there already and is not overwritten: give another name with -o.", path=words.out))
    seal = vault.seal_of(words.artifact)  # what comes of something sealed is sealed too
    with Screen(quiet=words.quiet, to_stderr=words.json) as screen, vault.sealed(seal, words.out):
        board = smaller.compress(artifact, words.data, order, screen.note)
    said = say("The smaller model is in {path}.", path=words.out) if board.winner else say("Nothing was written.")
    return answer(words, {"artifact": str(words.out) if board.winner else None, **board.plain()}, said)


def export(words: Namespace) -> int:
    from modelwright import exchange, shelf, using

    exchange.refuse_without_extra()
    artifact = shelf.take(words.artifact, kinds(words))
    proof = exchange.export(artifact, using.some_rows(artifact, words.data, exchange.ROWS), words.out)
    facts = {"path": words.out, "rows": proof.rows, "runtime": proof.runtime, "largest": f"{proof.largest:.1e}"}
    said = say("{path} is written: {rows} raw rows were answered alike through {runtime}.", **facts)
    said += " " + say("No answer differed, and no output of the network by more than {largest}.", **facts)
    plain = {"export": str(words.out), "rows": proof.rows, "largest_difference": proof.largest, "runtime": proof.runtime}
    return answer(words, plain, said)


def verify(words: Namespace) -> int:
    from modelwright import shelf, using

    if shelf.closed(words.artifact):
        return _verify_closed(words)
    content, standing = shelf.standing(words.artifact, words.signer)
    artifact = shelf.take(words.artifact, kinds(words))
    verdict = using.verify(artifact, words.data)
    lines = [say("{path}: every byte is as its manifest says.", path=words.artifact), standing.sentence]
    lines.append(say("content {digest}", digest=content))
    if not verdict.recomputed:
        lines.append(say("scores not recomputed") + f": {verdict.reason}")
    for was, now in verdict.pairs:
        mark = say("same") if using.agree(was, now) else say("DIFFERENT")
        lines.append(f"{was.name}: {was.value:.6g} -> {now.value:.6g}  {mark}")
    plain = {"intact": True, "opened": True, "recomputed": verdict.recomputed, "kept": verdict.kept}
    plain |= {"content": content, "signed": standing.who, "key": standing.key or None}
    answer(words, plain, "\n".join(lines))
    return 0 if verdict.kept and (verdict.recomputed or not words.require_scores) else 1


def _verify_closed(words: Namespace) -> int:
    """A sealed artifact without its key: what lies there and who signed it, and in plain words what was not looked at."""
    from modelwright import shelf

    standing = shelf.standing_outside(words.artifact, words.signer)
    lines = [say("{path}: every byte is as its manifest says.", path=words.artifact), standing.sentence]
    lines.append(say("It is sealed and no key was given: not opened, content not compared, scores not recomputed."))
    lines.append(say("Name the key's file with --key FILE, or a command that prints it in MODELWRIGHT_KEY_COMMAND."))
    plain = {"intact": True, "opened": False, "recomputed": False, "kept": True}
    plain |= {"content": None, "signed": standing.who, "key": standing.key or None}
    answer(words, plain, "\n".join(lines))
    return 1 if words.require_scores else 0


def serve(words: Namespace) -> int:
    from modelwright import machine, serving, shelf
    from modelwright.nouns import Tuning

    paths = serving.named(words.artifacts)
    taken = serving.take(serving.Place(words.host, words.port, words.keys))
    artifacts = {name: shelf.take(path, kinds(words)) for name, path in paths.items()}
    names = ", ".join(artifacts)
    plain = {"address": taken.address, "models": list(artifacts)}
    told = say("{models} at {address}; Ctrl-C ends it.", models=names, address=taken.address)
    if not taken.place.own:
        told += "\n" + say("Keys and rows travel in clear: put a proxy with TLS before it where others share the network.")
    answer(words, plain, told)
    sys.stdout.flush()
    with machine.tuned(Tuning()):
        serving.serve(artifacts, taken)
    return 0


def compare(words: Namespace) -> int:
    from modelwright import comparing
    from modelwright.command.beside import shown

    found = comparing.compare(words.a, words.b, kinds(words))
    return answer(words, found.plain(), shown(found))


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


def cache(words: Namespace) -> int:
    from modelwright import vault

    folder = vault.cache_folder()
    if words.clear:
        vault.clear(folder, [entry.name for entry in folder.iterdir()] if folder.exists() else [])
        return answer(words, {"cache": str(folder), "bytes": 0}, say("{folder} is empty now.", folder=folder))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.exists() else 0
    return answer(
        words, {"cache": str(folder), "bytes": size}, say("{folder} holds {size} bytes.", folder=folder, size=f"{size:,}")
    )
