"""The plan: what a life will cost, as plain values; and the refusal of one that cannot fit. Measures nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modelwright.nouns import Costs, Refused
from modelwright.report.figures import scaled
from modelwright.wording import say

CAUSES = (
    "libraries", "rows", "encoded", "weights", "gradients", "optimizer", "activations", "best", "snapshot", "evaluation",
    "compression", "papers",
)  # fmt: skip
"""Of memory, in the order in which a life meets them."""
STAGES = ("check", "encode", "train", "evaluate", "compress")


@dataclass(frozen=True)
class Plan:
    """Predicted, from a measured step. Bytes and seconds."""

    model: str
    """The family's word."""
    costs: Costs
    """Those of training; peak_bytes is the most that the process holds in its whole life."""
    causes: Mapping[str, int]
    """Memory, by what needs it. Not all of it is needed at the same time."""
    peaks: Mapping[str, int]
    """The most memory held in each stage; check and encode were measured."""
    seconds: Mapping[str, float]
    """Of each stage; check and encode were measured."""
    disk: Mapping[str, int]
    """Snapshots, artifact, report."""
    memory_limit: int
    disk_room: int

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def planned(told: Mapping[str, Any]) -> Plan:
    """The plan that plain() wrote."""
    facts: dict[str, Any] = {**told, "costs": Costs(**told["costs"])}
    return Plan(**facts)


@dataclass(frozen=True)
class Slope:
    """What a step of one model holds, as a line over the rows of a micro-batch."""

    start: float
    """Bytes with no row."""
    each: float
    """Bytes a row."""

    def of(self, rows: int) -> float:
        return self.start + self.each * rows

    def rows_within(self, room: float) -> int:
        """The most rows of a micro-batch that this much room allows."""
        return int(max(0.0, room - self.start) / self.each) if self.each > 0 else 2**31


def refuse_misfit(plan: Plan) -> None:
    """Refused: more memory than this process may hold in evaluation, or more files than the disk has room for."""
    peak, limit = max(plan.peaks.values()), plan.memory_limit
    if peak > limit:
        stage = max(plan.peaks, key=lambda name: plan.peaks[name])
        facts = {"peak": scaled(peak, "B"), "limit": scaled(limit, "B"), "stage": stage}
        raise Refused(say("It would hold {peak} in its stage {stage}, and may hold {limit}.", **facts), way_out(stage))
    if (needed := sum(plan.disk.values())) > plan.disk_room:
        facts = {"needed": scaled(needed, "B"), "room": scaled(plan.disk_room, "B")}
        raise Refused(
            say("It would write {needed}, and the disk has room for {room}.", **facts),
            say("Free some room, or name a folder on another disk with -o FOLDER."),
        )


def way_out(stage: str) -> str:
    """The change that makes most of a stage's memory smaller."""
    if stage == "evaluate":
        return say("Fewer rows at a time: --set evaluation.batch=64; without rivals: --set evaluation.baselines=false")
    if stage == "train":
        return say("The same result in smaller parts: twice the training.accumulate that is there now, or more.")
    return say("The rows themselves are too many for this memory: give fewer, or a machine with more.")


def refuse_step(rows: int, micros: int, needed: float, limit: int, fitting: int) -> None:
    """Refused: a step on so many rows a micro-batch cannot fit; `fitting` rows would."""
    facts = {"rows": f"{rows:,}", "needed": scaled(needed, "B"), "limit": scaled(limit, "B")}
    told = say("A step on {rows} rows at a time would bring memory to {needed}, and it may be {limit}.", **facts)
    if fitting < 1:
        raise Refused(told, say("Not one row fits: the model is too large for this memory. Make it smaller."))
    cuts = {"batch": fitting * micros, "micros": -(-rows * micros // fitting)}
    raise Refused(
        told,
        say("The same result in smaller parts: --set training.accumulate={micros}", **cuts),
        say("Or a smaller batch: --set training.batch={batch}", **cuts),
    )
