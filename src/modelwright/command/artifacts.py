"""What is done with an artifact, or with two finished runs. Heavy rooms open inside a verb."""

from __future__ import annotations

import sys
from argparse import Namespace

from modelwright.command.adopting import give
from modelwright.command.asked import answer, kinds, refuse_there
from modelwright.wording import say, say_many, together


def predict(words: Namespace) -> int:
    from modelwright import shelf, using
    from modelwright.command.screen import Screen
    from modelwright.data.overlong import sentence

    artifact = shelf.take(words.artifact, kinds(words))
    with Screen(quiet=words.quiet, to_stderr=words.json) as screen:
        done = using.predict(artifact, words.rows, words.out, screen.note)
    said = say_many("{n} row answered in {path}", "{n} rows answered in {path}", done.rows, path=words.out)
    if done.faulty:
        said += "; " + say_many("{n} could not be read and says why", "{n} could not be read and say why", done.faulty)
    if done.cut:
        said += "\n" + sentence(done.cut, artifact.codec.encoding)
    return answer(words, {"rows": done.rows, "faulty": done.faulty, "overlong": done.cut, "answers": str(words.out)}, said)


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
    refuse_there(words.out)
    seal = vault.seal_of(words.artifact)  # what comes of something sealed is sealed too
    with Screen(quiet=words.quiet, to_stderr=words.json) as screen, vault.sealed(seal, words.out):
        board = smaller.compress(artifact, words.data, order, screen.note)
    said = say("The smaller model is in {path}.", path=words.out) if board.winner else say("Nothing was written.")
    return answer(words, {"artifact": str(words.out) if board.winner else None, **board.plain()}, said)


def export(words: Namespace) -> int:
    if words.to == "huggingface":
        return give(words)
    from modelwright import exchange, shelf, using

    exchange.refuse_without_extra()
    artifact = shelf.take(words.artifact, kinds(words))
    proof = exchange.export(artifact, using.some_rows(artifact, words.data, exchange.ROWS), words.out)
    facts = {"path": words.out, "rows": proof.rows, "runtime": proof.runtime, "largest": f"{proof.largest:.1e}"}
    said = say("{path} is written: {rows} raw rows were answered alike through {runtime}.", **facts)
    near = say("No answer differed, and no output of the network by more than {largest}.", **facts)
    plain = {"export": str(words.out), "rows": proof.rows, "largest_difference": proof.largest, "runtime": proof.runtime}
    return answer(words, plain, together(said, near))


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
    from modelwright import data, generating, machine, serving, shelf
    from modelwright.nouns import Tuning

    paths = serving.named(words.artifacts)
    artifacts = {name: shelf.take(path, kinds(words)) for name, path in paths.items()}
    for artifact in artifacts.values():
        if not generating.speaks(artifact.codec.encoding):
            data.refuse_going_on(artifact.codec.encoding)
    taken = serving.take(serving.Place(words.host, words.port, words.keys))
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
