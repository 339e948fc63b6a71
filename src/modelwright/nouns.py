"""What passes between rooms, and the protocols every kind keeps. Knows no room.

Axis letters, the same in every file: B batch, T time, F features, D width, C classes or channels, H height, W width.
torch, polars and numpy are named for the type checker only: opening this page costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from torch import Tensor
    from torch.nn import Module

Part: TypeAlias = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


class Refused(Exception):
    """The user's fault, or the world's: sentences that say what is wrong, where, and what to do. Exit code 2."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class Unkept(Exception):
    """A promise that measurement did not confirm. Exit code 1."""


# --- numbers in a recipe, with the range that the reader enforces -----------------------------------------------------


@dataclass(frozen=True)
class Bounds:
    """least <= value <= most and above < value < below; None is no bound."""

    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None


Count: TypeAlias = Annotated[int, Bounds(least=1)]
Whole: TypeAlias = Annotated[int, Bounds(least=0)]
Positive: TypeAlias = Annotated[float, Bounds(above=0)]
NotNegative: TypeAlias = Annotated[float, Bounds(least=0)]
Share: TypeAlias = Annotated[float, Bounds(least=0, below=1)]
"""A share of a whole, 0 <= share < 1."""


# --- raw things ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """Raw things, columnar, with a stable id each. One request is Rows of height one."""

    ids: np.ndarray
    """int64 (N,): the row's place in its source, counted from 0; it never changes."""
    columns: pl.DataFrame
    """N rows. Text sources give every column as String; pictures are encoded bytes, paths or Array(UInt8)."""

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, positions: np.ndarray) -> Rows:
        """The rows at these positions (not ids), in this order."""
        return Rows(self.ids[positions], self.columns[positions])


Faults: TypeAlias = "pl.DataFrame"
"""What could not be read: columns row (Int64, the row's id), column (String), sentence (String).

Good rows go on; heights and order are kept: a faulty row still has its place in the Batch."""

Batch: TypeAlias = "dict[str, Tensor]"
"""Named tensors, axis 0 is B. Reserved: row (B,) int64 ids, mask (B, T) bool true where real, weight (B,) float."""


# --- ports: what a tensor means -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbers:
    """float32 (B, F). As something to write: F numbers, standardised with the codec's own mean and spread."""

    count: int


@dataclass(frozen=True)
class Classes:
    """A label int64 (B,); as a model's output logits (B, C), or one logit (B, 1) for the second of two names."""

    names: tuple[str, ...]
    sigmoid: bool = False

    @property
    def units(self) -> int:
        return 1 if self.sigmoid else len(self.names)


@dataclass(frozen=True)
class Tokens:
    """int64 (B, T), each below `alphabet`; 0 is padding, 1 is unknown; comes with a mask (B, T)."""

    alphabet: int
    longest: int


@dataclass(frozen=True)
class Series:
    """float32 (B, T, F); comes with a mask (B, T)."""

    count: int
    longest: int


@dataclass(frozen=True)
class Image:
    """uint8 (B, C, H, W); the model itself takes `mean` off and divides by `spread`, each (C,) on the 0 to 255 scale."""

    channels: int
    height: int
    width: int
    mean: tuple[float, ...]
    spread: tuple[float, ...]


PortKind: TypeAlias = "Numbers | Classes | Tokens | Series | Image"


@dataclass(frozen=True)
class Port:
    """A named tensor and what it means. A codec says which ports a model reads and which it must write."""

    name: str
    kind: PortKind


# --- figures --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answers:
    """One columnar table per evaluation; scores, intervals and mistakes are all read from it.

    Columns: row Int64; label (String, or Float64 for numbers; null where unknown); answer (as label; null where the
    row was faulty); chances Array(Float32, C) for classes only; fault (String, null where the row was good)."""

    frame: pl.DataFrame
    port: Port

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval and the number of rows it rests on."""

    name: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Costs:
    """The three costs: time, processor, arithmetic and energy are those of training. None is "not measured here"."""

    seconds: float | None = None
    cpu_seconds: float | None = None
    flops: float | None = None
    peak_bytes: int | None = None
    watt_hours: float | None = None
    meter: str = "estimated"
    parameters: int | None = None
    layers: int | None = None
    weight_bytes: int | None = None
    rows_used: int | None = None
    rows_dropped: int | None = None
    rows_repaired: int | None = None


@dataclass(frozen=True)
class Ledger:
    """Predicted beside measured."""

    predicted: Costs
    measured: Costs


# --- training -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tuning:
    """What this machine does best for one model; stored with a run, and used again when it is resumed."""

    device: str = "cpu"
    threads: int = 1
    precision: Literal["highest", "high", "medium"] = "highest"
    """torch's float32 matmul precision."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """What autocast computes in."""
    channels_last: bool = False
    compiled: bool = False
    processes: int = 1
    """How many train together: each adds up its own micro-batches first, and the order of a sum decides its last bits."""
    tried: int = 1
    """How many ways were measured before this one was chosen."""


@dataclass(frozen=True)
class Step:
    """What one update did. loss and norm stay tensors until somebody reads them, so that nothing waits."""

    number: int
    epoch: int
    loss: Tensor
    """() mean over the update's rows, penalties included."""
    norm: Tensor
    """() gradient norm before clipping."""
    skipped: Tensor
    """() bool: loss or gradient was not finite and the weights were left alone."""
    rate: float
    ends_epoch: bool


@dataclass
class Run:
    """The one mutable value of training. All of it is in the snapshot."""

    models: dict[str, Module]
    state: dict[str, Tensor]
    """What the update remembers, by name (moments and the like)."""
    tuning: Tuning
    step: int = 0
    best: dict[str, Tensor] | None = None
    """The weights of the best epoch so far, by name."""
    best_score: float | None = None
    best_epoch: int = -1
    waited: int = 0
    """Epochs since the best one."""
    rate_scale: float = 1.0
    skipped: int = 0
    ended: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    """One entry per finished epoch: epoch, loss, validation, rate, norm, seconds."""

    def scale_rate(self, factor: float) -> None:
        self.rate_scale *= factor


# --- what leaves a run ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """How a recipe names a teacher or a base: a folder and, once resolved, its digest."""

    path: str
    digest: str = ""


@dataclass(frozen=True)
class State:
    """What a fitted codec must keep: plain facts (JSON), tensors (safetensors) and named text files."""

    facts: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Artifact:
    """A model with all that is needed to use it. Never a user's row: only ids, the split rule and fingerprints."""

    family: Family
    codec: Codec
    module: Module = field(repr=False)
    edits: tuple[Edit, ...] = ()
    base: Reference | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
    """Where its rows came from and the rule that split them, as the recipe wrote it; of a path the last name alone."""
    rows: Mapping[Part, np.ndarray] = field(default_factory=dict, repr=False)
    """Row ids of each part."""
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    """data and recipe, SHA-256."""
    metrics: tuple[Metric, ...] = ()
    """What it was judged by."""
    scores: tuple[Score, ...] = ()
    tolerance: Mapping[str, float] = field(default_factory=dict)
    """Largest difference between answers across batch shapes, measured here, by dtype."""
    story: tuple[str, ...] = ()
    """One line per verb that shaped it, oldest first."""

    def told(self, line: str) -> Artifact:
        return replace(self, story=(*self.story, line))


@dataclass(frozen=True)
class Note:
    """What a stage tells whoever watches: progress while total is above 0, else its last word."""

    stage: str
    text: str = ""
    done: int = 0
    total: int = 0
    seconds: float | None = None


Watch: TypeAlias = Callable[[Note], None]


# --- protocols: what each kind of a room promises -----------------------------------------------------------------------------


class Source(Protocol):
    """Where raw rows come from. A frozen value of a recipe."""

    @property
    def split(self) -> Any:
        """The rule that parts the rows; a kind of data.splits."""
        ...

    def chunks(self, height: int = 65536) -> Iterator[Rows]:
        """All rows in a stable order, at most `height` at a time. Refused where the whole source cannot be read."""
        ...


class Encoding(Protocol):
    """A codec as a recipe orders it."""

    makes: ClassVar[tuple[type, ...]]
    """Port kinds that a model may find to read."""

    @property
    def label(self) -> str: ...

    @property
    def wants(self) -> type:
        """The port kind that the model must write: Classes or Numbers. Known before any row is read."""
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
        """B = len(rows), in order. Labels are there where the label column is."""
        ...

    def decode(self, outputs: Batch) -> pl.DataFrame:
        """Named outputs -> columns answer and, for classes, chances."""
        ...

    def state(self) -> State: ...


@runtime_checkable
class Family(Protocol):
    """A model described by numbers alone. build() makes a live module that is called model(batch) -> Batch."""

    accepts: ClassVar[tuple[type, ...]]
    """Port kinds it can read."""

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
