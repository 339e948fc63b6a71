"""What passes between rooms, and the protocols every kind keeps. Knows no room.

Axis letters, the same in every file: B batch, T time, F features, D width, C classes or channels, H height, W width.
torch, polars and numpy are named for the type checker only: opening this page costs nothing.
"""

from modelwright.nouns.artifact import Artifact, Origin, Reference
from modelwright.nouns.figures import Answers, Costs, Gained, Ledger, Score
from modelwright.nouns.notes import Note, Watch
from modelwright.nouns.ports import (
    Cells,
    Classes,
    Gaps,
    Hidden,
    Image,
    Numbers,
    Port,
    PortKind,
    Reply,
    Series,
    Tagged,
    Tokens,
    Vector,
)
from modelwright.nouns.promises import (
    Aim,
    Codec,
    Edit,
    Encoding,
    Family,
    Feed,
    Metric,
    Objective,
    Source,
    State,
    Together,
    Update,
)
from modelwright.nouns.ranges import Bounds, Count, NotNegative, Positive, Share, Whole
from modelwright.nouns.refusals import Refused, Unkept
from modelwright.nouns.rows import PARTS, Batch, Faults, Part, Rows
from modelwright.nouns.training import Run, Step, Tuning

__all__ = [
    "PARTS", "Aim", "Answers", "Artifact", "Batch", "Bounds", "Cells", "Classes", "Codec", "Costs", "Count", "Edit", "Encoding",
    "Family", "Faults", "Feed", "Gained", "Gaps", "Hidden", "Image", "Ledger", "Metric", "NotNegative", "Note", "Numbers",
    "Objective", "Origin", "Part", "Port", "PortKind", "Positive", "Reference", "Refused", "Reply", "Rows", "Run", "Score",
    "Series", "Share", "Source", "State", "Step", "Tagged", "Together", "Tokens", "Tuning", "Unkept", "Update", "Vector",
    "Watch", "Whole",
]  # fmt: skip
