"""A plan in words: one line for the life's screen, a table for the verb."""

from __future__ import annotations

from modelwright.planning.plan import CAUSES, STAGES, Plan
from modelwright.report import figures
from modelwright.wording import say, say_many


def sentence(plan: Plan) -> str:
    """mlp 17,226 weights · about 6 s · 190 MB · 0.02 Wh"""
    costs = plan.costs
    parts = [
        f"{plan.model} " + say_many("{n} weight", "{n} weights", costs.parameters or 0),
        say("about {time}", time=figures.seconds(costs.seconds or 0.0)),
        figures.scaled(costs.peak_bytes or 0, "B"),
        figures.energy(costs.watt_hours or 0.0),
    ]
    return " · ".join(parts)


def table(plan: Plan) -> str:
    """All of it, a line each."""
    costs = plan.costs
    whole = sum(plan.seconds.values())
    lines = [
        (say("model"), f"{plan.model} · " + say_many("{n} weight", "{n} weights", costs.parameters or 0)),
        (say("arithmetic"), figures.scaled(costs.flops or 0.0, "FLOP")),
        (say("energy"), f"{figures.energy(costs.watt_hours or 0.0)} ({say('training, estimated')})"),
        (say("time"), figures.seconds(whole)),
        *((f"  {stage_name(stage)}", figures.seconds(plan.seconds[stage])) for stage in STAGES if stage in plan.seconds),
        (say("peak memory"), _of(max(plan.peaks.values()), plan.memory_limit)),
        *((f"  {stage_name(stage)}", figures.scaled(plan.peaks[stage], "B")) for stage in STAGES if stage in plan.peaks),
        (say("memory by cause"), ""),
        *((f"  {cause_name(cause)}", figures.scaled(plan.causes[cause], "B")) for cause in CAUSES),
        (say("disk"), _of(sum(plan.disk.values()), plan.disk_room)),
        *((f"  {cause_name(cause)}", figures.scaled(size, "B")) for cause, size in plan.disk.items()),
    ]
    width = max(figures_width(name) for name, _ in lines) + 3
    return "\n".join(name + " " * (width - figures_width(name)) + text for name, text in lines).rstrip()


def figures_width(text: str) -> int:
    """Cells that a text takes in a terminal: a Chinese sign takes two."""
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in text)


def _of(needed: float, room: float) -> str:
    return say("{needed} of {room}", needed=figures.scaled(needed, "B"), room=figures.scaled(room, "B"))


def stage_name(stage: str) -> str:
    words = {
        "check": say("check"),
        "encode": say("encode"),
        "train": say("train"),
        "evaluate": say("evaluate"),
        "compress": say("compress"),
    }
    return words[stage]


def cause_name(cause: str) -> str:
    words = {
        "libraries": say("interpreter and libraries"),
        "rows": say("raw rows"),
        "encoded": say("encoded rows"),
        "weights": say("weights"),
        "gradients": say("gradients"),
        "optimizer": say("optimizer's memory"),
        "activations": say("activations"),
        "best": say("copy of the best weights"),
        "snapshot": say("snapshot's buffers"),
        "evaluation": say("evaluation"),
        "compression": say("compression"),
        "papers": say("signature and report"),
        "snapshots": say("snapshots"),
        "artifact": say("artifact"),
        "report": say("report"),
    }
    return words[cause]
