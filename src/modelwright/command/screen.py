"""What a life looks like in a terminal: one line per stage, a live bar while one runs. Knows no model."""

from __future__ import annotations

import os
import sys
from types import TracebackType

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from modelwright import machine, vault
from modelwright.nouns import Costs, Gaps, Hidden, Note, Reply, Tagged, Tokens
from modelwright.report import figures
from modelwright.report.sentences import quoted, verifying
from modelwright.stages import Lived
from modelwright.wording import say

WIDTH = 10
"""Room for a stage's name."""


class Screen:
    """Shows notes as they come: finished stages stay, the running one moves where there is a terminal to move in."""

    def __init__(self, quiet: bool = False, to_stderr: bool = False) -> None:
        self.console = Console(file=sys.stderr if to_stderr else sys.stdout, highlight=False, quiet=quiet, soft_wrap=True)
        self.live = self.console.is_terminal and not quiet and os.environ.get("TERM") != "dumb"
        self.progress = Progress(
            TextColumn("  {task.fields[stage]}"),
            BarColumn(bar_width=28),
            TextColumn("{task.description}"),
            console=self.console,
            transient=True,
        )
        self.task: TaskID | None = None

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.task is not None:
            self.progress.stop()

    def note(self, note: Note) -> None:
        if note.total:
            self._move(note)
        else:
            self._settle(note)

    def _move(self, note: Note) -> None:
        if not self.live:
            return
        if self.task is None:
            self.progress.start()
            self.task = self.progress.add_task("", total=note.total, stage=wide(stage_name(note.stage), WIDTH - 1))
        self.progress.update(self.task, completed=note.done, total=note.total, description=note.text)

    def _settle(self, note: Note) -> None:
        if self.task is not None:
            self.progress.remove_task(self.task)
            self.progress.stop()
            self.task = None
        took = f"{note.seconds:6.1f} s" if note.seconds is not None else ""
        if not note.stage:
            self.console.print(f"\n  {note.text}\n" if note.text else "", markup=False)
            return
        first, *others = note.text.split("\n")
        room = max(min(self.console.width, 100) - WIDTH - 12, cell_len(first) + 1)
        self.console.print(f"  {wide(stage_name(note.stage), WIDTH)}{wide(first, room)}{took}".rstrip(), markup=False)
        for line in others:
            self.console.print(" " * (WIDTH + 2) + line, markup=False)

    def ending(self, lived: Lived, data: str) -> None:
        """The ledger and where things lie; data: the path of the rows, where they have one."""
        self.console.print(_ledger(lived.ledger.predicted, lived.ledger.measured))
        folder = lived.folder
        made, page = quoted(folder.artifact), quoted(folder.report)
        unseal = f"modelwright unseal {page} -o report.html --key FILE"
        sealed = vault.lies_sealed(folder.report)
        check = unseal if sealed else verifying(folder.artifact, data)
        key = " --key FILE" if sealed else ""
        wants = lived.artifact.codec.encoding.wants
        use = f"predict {made} rows.csv -o answers.csv"
        if wants in (Tokens, Reply):
            use = f'generate {made} "{"Once" if wants is Tokens else "Open the file"}"'
        elif wants is Tagged:
            use = f"predict {made} rows.jsonl -o tags.jsonl"
        elif wants is Hidden:
            use = f"run RECIPE --set model.kind=base --set model.artifact={made}"
        elif wants is Gaps:
            use = f"verify {made} --data rows.csv"
        artifact = f"{made}    modelwright {use}{key}"
        for word, text in (
            (say("device"), machine.told(lived.tuning)),
            (say("artifact"), artifact),
            (say("report"), f"{page}    {check}"),
        ):
            self.console.print(f"  {wide(word, WIDTH)}{text}", markup=False)


def wide(text: str, cells: int) -> str:
    """The text, filled up to so many cells of a terminal: a Chinese sign takes two."""
    return text + " " * max(0, cells - cell_len(text))


def stage_name(stage: str) -> str:
    """The stage in the language in use."""
    words = {
        "check": say("check"),
        "encode": say("encode"),
        "plan": say("plan"),
        "train": say("train"),
        "evaluate": say("evaluate"),
        "compress": say("compress"),
        "explain": say("explain"),
        "sign": say("sign"),
        "reused": say("reused"),
        "predict": say("predict"),
    }
    return words.get(stage, stage)


def _ledger(predicted: Costs, measured: Costs) -> Table:
    table = Table(box=None, show_header=True, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in ("", say("predicted"), say("measured"), ""):
        table.add_column(heading)
    for row in figures.ledger(predicted, measured):
        table.add_row(f"  {row[0]}", *row[1:])
    return table
