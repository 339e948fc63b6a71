"""A model learns. Verb: steps, a generator: what happens between two steps is the caller's line."""

from modelwright.training.noise import every, noise_scale
from modelwright.training.optimizers import SGD, Adam, AdamW, Muon, Optimizer
from modelwright.training.running import epoch_loss, finish, judge, moving, skipped, start, steps, total_steps
from modelwright.training.schedules import Constant, Cosine, LinearDecay, Schedule, Steps, WarmupStableDecay
from modelwright.training.section import Stopping, Training
from modelwright.training.snapshots import restore, snapshot
from modelwright.training.trials import agreeing, trial, validate
from modelwright.training.waiting import Later

__all__ = [
    "SGD", "Adam", "AdamW", "Constant", "Cosine", "Later", "LinearDecay", "Muon", "Optimizer", "Schedule", "Steps", "Stopping",
    "Training", "WarmupStableDecay", "agreeing", "epoch_loss", "every", "finish", "judge", "moving", "noise_scale", "restore",
    "skipped", "snapshot", "start", "steps", "total_steps", "trial", "validate",
]  # fmt: skip
