"""A verb on several processes: this one claims the run's folder, then leads workers that run the same verb."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from pathlib import Path

from modelwright import parallel, vault
from modelwright.command.interrupt import asked_to_stop
from modelwright.folder import RunFolder, claim
from modelwright.nouns import Refused
from modelwright.reader import to_toml
from modelwright.recipe import Recipe, expanded
from modelwright.wording import say


def led(words: Namespace, recipe: Recipe, folder: RunFolder) -> int | None:
    """The exit code; None where the folder holds a finished run, for which nobody is needed."""
    _refuse_idlers(recipe, words.processes)
    with vault.lock(folder.path):
        if claim(folder, expanded(recipe), words.resume, words.fresh) == "finished":
            return None
    with tempfile.TemporaryDirectory(prefix="modelwright-", ignore_cleanup_errors=True) as work, asked_to_stop() as stop:
        order = Path(work) / "recipe.toml"
        vault.put_file(order, to_toml(expanded(recipe)).encode())
        limits = parallel.Limits(words.processes, words.arrival, words.standstill)
        orders = parallel.Order(_again(words, order, folder), limits, lambda: _snapshots(folder))
        return parallel.lead(orders, Path(work), stop, _silent if words.quiet else _tell)


def _refuse_idlers(recipe: Recipe, processes: int) -> None:
    batch = recipe.training.batch
    if batch != "all" and batch < processes:
        raise Refused(
            say("A batch of {batch} rows cannot be shared by {n} processes.", batch=batch, n=processes),
            say("Use fewer --processes, or a larger training.batch."),
        )


def _tell(told: str) -> None:
    sys.stderr.write(told + "\n")


def _silent(told: str) -> None:
    pass


def _again(words: Namespace, order: Path, folder: RunFolder) -> tuple[str, ...]:
    """The same command for a worker, which goes on wherever a worker before it stopped."""
    return (
        *(("--lang", words.lang) if words.lang else ()),
        *(word for kind in words.kinds for word in ("--kinds", kind)),
        words.verb,
        str(order),
        *("-o", str(folder.path), "--resume"),
        *("--processes", str(words.processes)),
        *(["--quiet"] if words.quiet else []),
        *(["--json"] if words.json else []),
    )


def _snapshots(folder: RunFolder) -> list[str]:
    return sorted(entry.name for entry in folder.snapshots.iterdir()) if folder.snapshots.exists() else []
