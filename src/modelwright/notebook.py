"""The Python API: what a person in a notebook holds. Verbs: train, load, compare. Prints nothing, exits nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright import comparing, data, evaluation, life, protection, shelf, using, vault
from modelwright.comparing import Comparison
from modelwright.folder import RunFolder
from modelwright.nouns import Artifact, Batch, Codec, Rows, Score
from modelwright.recipe import Recipe, open_recipe
from modelwright.report import Reason, figures
from modelwright.report.page import reason_page
from modelwright.wording import say

if TYPE_CHECKING:
    from torch.nn import Module

    from modelwright.explanation.explaining import Explained
    from modelwright.explanation.permutation import Importance


@dataclass(frozen=True)
class Model:
    """An artifact in memory: it answers raw rows."""

    artifact: Artifact = field(repr=False)
    folder: Path

    @property
    def module(self) -> Module:
        """A plain torch module: called with a Batch, it gives named outputs."""
        return self.artifact.module

    @property
    def codec(self) -> Codec:
        return self.artifact.codec

    @property
    def scores(self) -> tuple[Score, ...]:
        return self.artifact.scores

    def encode(self, table: Any) -> Batch:
        """Rows as the module's tensors. Faulty rows hold neutral values: predict tells which they are."""
        return self.codec.encode(rows(table))[0]

    def predict(self, table: Any) -> Any:
        """Columns row, answer and fault, and what goes with the answer (of classes its probability): a pandas table for a
        pandas table, else a polars one."""
        data.refuse_going_on(self.codec.encoding)
        found = evaluation.predicted(self.module, self.codec, rows(table))
        if type(table).__module__.partition(".")[0] != "pandas":
            return found
        import pandas  # pyright: ignore[reportMissingImports]  the caller has it: the table is one

        return pandas.DataFrame({name: found[name].to_list() for name in found.columns}, index=table.index)

    def explain(
        self, table: Any, row: int = 0, method: str = "shapley", seconds: float = 10.0, word: int | None = None
    ) -> Reasons:
        """Why this row of the table is answered as it is; the other rows are the background.

        method: shapley, lime, integrated_gradients or occlusion. word: of tags, whose, counted from 0."""
        return Reasons(*using.explain(self.artifact, rows(table), using.Asked(row, method, seconds, word)))

    def importance(self, table: Any, seconds: float = 30.0) -> Importance:
        """What the score loses when each column of this labelled table is shuffled."""
        return using.importance(self.artifact, rows(table), seconds)

    def _repr_html_(self) -> str:
        return _table(f"{self.folder}", self.scores)


@dataclass(frozen=True)
class Reasons:
    """One explanation: its figures, and how it is drawn."""

    found: Explained
    drawn: Reason = field(repr=False)

    def _repr_html_(self) -> str:
        page = escape(reason_page(self.drawn), quote=True)
        return f'<iframe srcdoc="{page}" width="100%" height="480" sandbox></iframe>'


@dataclass(frozen=True)
class Page:
    """The report: a file, shown whole in a notebook."""

    path: Path

    def _repr_html_(self) -> str:
        with vault.unsealing(protection.at_hand(None)):
            page = escape(vault.take_file(self.path).decode(), quote=True)
        return f'<iframe srcdoc="{page}" width="100%" height="800" sandbox></iframe>'


@dataclass(frozen=True)
class Trained:
    """A life that was led to its end."""

    lived: life.Lived = field(repr=False)
    artifact: Model
    report: Page

    @property
    def scores(self) -> tuple[Score, ...]:
        return self.lived.scores

    @property
    def baselines(self) -> Mapping[str, tuple[Score, ...]]:
        return self.lived.baselines

    def _repr_html_(self) -> str:
        return _table(str(self.lived.folder.path), self.scores)


def train(
    recipe: Path | str | Mapping[str, Any] | Recipe,
    data: Any = None,
    out: Path | str | None = None,
    kinds: Sequence[type] = (),
    resume: bool = False,
    fresh: bool = False,
) -> Trained:
    """Leads a recipe (a file, a name, a text, a dict or a Recipe) through its whole life.

    data: rows in place of the recipe's: a polars or pandas table, NumPy arrays, a dict of columns, a torch Dataset.
    out: the run's folder; runs/NAME without it. kinds: kinds of your own. resume, fresh: as on the command line.
    Refused: all that the command line refuses."""
    order = recipe if isinstance(recipe, Recipe) else open_recipe(_whole(recipe, data), (), tuple(kinds))
    name = Path(recipe).stem if isinstance(recipe, (str, Path)) and "\n" not in str(recipe) else "python"
    folder = RunFolder(Path(out) if out is not None else Path("runs") / name)
    table = None if data is None else handed(data, order)
    lived = life.run(order, folder, life.Opening(resume, fresh, table=table))
    return Trained(lived, Model(lived.artifact, folder.artifact), Page(folder.report))


def load(folder: Path | str, kinds: Sequence[type] = (), key: Path | str | None = None) -> Model:
    """An artifact from its folder, every byte checked first. key: the file of the key it is sealed with.

    Refused: damaged, newer, of a kind that is not handed over, or sealed with another key."""
    with vault.unsealing(protection.at_hand(None if key is None else Path(key))):
        return Model(shelf.take(Path(folder), tuple(kinds)), Path(folder))


def compare(a: Path | str | Trained, b: Path | str | Trained, kinds: Sequence[type] = ()) -> Comparison:
    """Two finished runs (or their folders) on the same test rows: every score they share, by pairs, and what each cost.

    Refused: a run that is not finished, or that was judged on other rows."""
    first, second = (one.lived.folder.path if isinstance(one, Trained) else Path(one) for one in (a, b))
    with vault.unsealing(protection.at_hand(None)):
        return comparing.compare(first, second, tuple(kinds))


def rows(table: Any) -> Rows:
    """Anything with rows and columns as Rows, ids from 0."""
    return data.read(data.Frame(table))


def handed(table: Any, recipe: Recipe) -> data.Frame:
    """Rows handed over, parted as the recipe says."""
    return data.Frame(_listed(table), recipe.data.split)


def _whole(recipe: Path | str | Mapping[str, Any], table: Any) -> Path | str | Mapping[str, Any]:
    """A dict needs no [data] where the rows are handed over."""
    if isinstance(recipe, Mapping) and table is not None and "data" not in recipe:
        return {**recipe, "data": {"kind": "in_python"}}
    return recipe


def _listed(table: Any) -> Any:
    """A torch Dataset of (input, label) pairs or of dicts, as columns; anything else as it is."""
    if not (type(table).__module__.startswith("torch.utils.data") or _is_dataset(table)):
        return table
    import numpy as np

    items = [table[place] for place in range(len(table))]
    if isinstance(items[0], Mapping):
        return [dict(item) for item in items]
    inputs, labels = (np.stack([np.asarray(item[place]) for item in items]) for place in (0, 1))
    return {"x": inputs, "label": labels}


def _is_dataset(table: Any) -> bool:
    import torch.utils.data

    return isinstance(table, torch.utils.data.Dataset)


def _table(title: str, scores: tuple[Score, ...]) -> str:
    """Scores as a notebook shows them."""
    heads = (say("score"), say("value"), "95 %", say("rows"))
    rows = [(figures.score_name(s.name), figures.value(s), figures.interval(s), f"{s.n:,}") for s in scores]
    cells = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{escape(title)}</caption><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{cells}</table>"
