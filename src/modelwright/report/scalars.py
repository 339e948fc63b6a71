"""The course of training as TensorBoard reads it: one event file, made whole from the run's history. Knows no folder.

Made whole each time, it holds an epoch once, however often a run was stopped; what was there before is its beginning.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from modelwright.nouns import Refused
from modelwright.wording import say

VERSION = "brain.Event:2"
"""How every event file begins."""


def refuse_without_extra() -> None:
    """Refused where the extra is not installed: before training, not after."""
    if find_spec("tensorboard") is None:
        missing = say('report.tensorboard = true, but tensorboard is not installed: pip install "modelwright[tensorboard]"')
        raise Refused(missing, say("Nothing was trained."))


def scalars(history: Sequence[Mapping[str, float]], times: Mapping[int, float], metric: str) -> bytes:
    """The event file: a step for each epoch, counted from 1. times: seconds since 1970, when each epoch ended, from 0."""
    from tensorboard.compat.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]  made when it is imported
    from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore[reportAttributeAccessIssue]  likewise
    from tensorboard.summary.writer.record_writer import RecordWriter

    tags = {
        "loss": "loss/training",
        "validation": "loss/validation",
        "score": f"{metric}/validation",
        "rate": "training/rate",
        "norm": "training/norm",
        "skipped": "training/skipped",
        "learns": "training/weights that learn",
        "noise": "training/noise scale in rows",
    }
    held = io.BytesIO()
    writer = RecordWriter(held)
    writer.write(Event(wall_time=times.get(0, 0.0), file_version=VERSION).SerializeToString())
    for entry in history:
        epoch = int(entry["epoch"])
        values = [Summary.Value(tag=tag, simple_value=entry[name]) for name, tag in tags.items() if name in entry]
        event = Event(wall_time=times.get(epoch, 0.0), step=epoch + 1, summary=Summary(value=values))
        writer.write(event.SerializeToString())
    return held.getvalue()
