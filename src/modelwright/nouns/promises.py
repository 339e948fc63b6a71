"""Protocols: what each kind of a room promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from modelwright.nouns.figures import Answers, Score
from modelwright.nouns.ports import Port
from modelwright.nouns.rows import Batch, Faults, Rows
from modelwright.nouns.training import Run

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor
    from torch.nn import Module


class Source(Protocol):
    """Where raw rows come from. A frozen value of a recipe."""

    @property
    def split(self) -> Any:
        """The rule that parts the rows; a kind of data.splits."""
        ...

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        """All rows in a stable order, at most `height` at a time. Refused where the whole source cannot be read."""
        ...


@dataclass(frozen=True)
class State:
    """What a fitted codec must keep: plain facts (JSON), tensors (safetensors) and named text files."""

    facts: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


class Encoding(Protocol):
    """A codec as a recipe orders it."""

    makes: ClassVar[tuple[type, ...]]
    """Port kinds that a model may find to read."""

    @property
    def label(self) -> str | None:
        """The column that is answered; None where rows have none, and what follows in them is learned."""
        ...

    @property
    def wants(self) -> type:
        """The port kind that the model must write: Classes or Numbers, without a label Tokens. Known before any row is read."""
        ...

    def fit(self, chunks: Callable[[], Iterator[Rows]]) -> Codec:
        """Learns from training rows alone; may pass over them more than once."""
        ...

    def load(self, state: State) -> Codec: ...


class Codec(Protocol):
    """The one door between raw rows and tensors; the same one in training, evaluation, prediction and serving."""

    @property
    def encoding(self) -> Encoding: ...
    @property
    def reads(self) -> tuple[Port, ...]:
        """What the model reads."""
        ...

    @property
    def writes(self) -> tuple[Port, ...]:
        """What the model writes, and the names under which labels lie in a batch."""
        ...

    def encode(self, rows: Rows) -> tuple[Batch, Faults]:
        """B = len(rows), in order. Labels are there where the label column is. A codec that cuts rows in pieces gives each
        piece, in order, with its place; of a row that cannot be read it gives none."""
        ...

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """Named outputs -> columns answer and, for classes, chances."""
        ...

    def state(self) -> State: ...


@runtime_checkable
class Family(Protocol):
    """A model described by numbers alone. build() makes a live module that is called model(batch) -> Batch."""

    accepts: ClassVar[tuple[type, ...]]
    """Port kinds it can read. One that can write more than a label (Classes, Numbers) names all that it can in `writes`."""

    def build(self, reads: tuple[Port, ...], writes: tuple[Port, ...]) -> Module: ...


class Edit(Protocol):
    """Surgery on a module, fitted once: shape() changes structure only, convert() turns one old weight into new ones."""

    def shape(self, module: Module) -> Module: ...

    def convert(self, name: str, weight: Tensor) -> Mapping[str, Tensor]: ...


@runtime_checkable
class Objective(Protocol):
    """What a model is asked to make small: loss = sum over terms of weight * total / count."""

    fits: ClassVar[tuple[type, ...]]
    """Port kinds it can judge."""

    def ready(self, writes: tuple[Port, ...]) -> Aim: ...


class Aim(Protocol):
    """An objective made live. Counts are known before the forward pass and summed over micro-batches and processes."""

    @property
    def weights(self) -> Mapping[str, float]: ...

    def counts(self, batch: Batch) -> Mapping[str, Tensor]: ...

    def __call__(self, models: Mapping[str, Module], batch: Batch) -> Mapping[str, Tensor]:
        """Named sums, differentiable."""
        ...


class Feed(Protocol):
    """Batches with addresses: the same (step, micro) gives the same batch, always."""

    @property
    def steps_per_epoch(self) -> int: ...

    @property
    def micros(self) -> int: ...

    def batch(self, step: int, micro: int = 0) -> Batch: ...


class Together(Protocol):
    """The processes that train one model; of them `rank` is this one. All of them call the same verbs in the same order."""

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def mine(self, micros: int) -> range:
        """Which of so many micro-batches are this process's to work on."""
        ...

    def total(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Each summed over all processes: the same bits in each of them."""
        ...

    def told(self, make: Callable[[], Any]) -> Any:
        """What make() gives in the first process, a plain value; the others do not make it."""
        ...


class Update(Protocol):
    """Owns one weight update: forward and backward per micro-batch, clipping, the optimizer."""

    def mine(self, micros: int) -> range:
        """The micro-batches that are to be given to it here."""
        ...

    def start(self, models: Mapping[str, Module]) -> dict[str, Tensor]: ...

    def __call__(self, run: Run, batches: list[Batch], rate: float) -> tuple[Tensor, Tensor, Tensor]:
        """Changes weights and run.state in place; gives loss, norm and skipped, each () and unread."""
        ...


class Metric(Protocol):
    """Reads one figure from Answers."""

    fits: ClassVar[tuple[type, ...]]
    better: ClassVar[Literal["higher", "lower"]]

    def score(self, answers: Answers) -> Score: ...
