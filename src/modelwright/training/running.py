"""The run: how it starts, its steps, the judgement between epochs, its end. The loop knows no screen, no disk and no score."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from typing import TYPE_CHECKING, Literal

from modelwright.nouns import Feed, Refused, Run, Step, Tuning, Update
from modelwright.training.section import Training
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def start(module: Module, update: Update, tuning: Tuning) -> Run:
    """A run at step 0, its module on the device and in the memory layout of the tuning."""
    settle(module, tuning)
    models = {"model": module}
    still = frozenset(name for name, weight in module.named_parameters() if not weight.requires_grad)
    return Run(models, update.start(models), tuning, still=still)


def settle(module: Module, tuning: Tuning) -> None:
    """Puts a module where the tuning wants it, and its pictures' weights in the memory layout that it wants."""
    import torch

    from modelwright.models.networks.recomputing import recompute

    if not recompute(module, tuning.recompute) and tuning.recompute:
        raise Refused(
            say("machine.recompute = true, but this model has no block of attention that could be computed once more."),
            say("Leave the line out: the other families keep little for the way back."),
        )
    layout = torch.channels_last if tuning.channels_last else torch.contiguous_format
    module.to(tuning.device)
    with torch.no_grad():
        for weight in module.parameters():
            if weight.ndim == 4:
                weight.data = weight.data.contiguous(memory_format=layout)


def moving(module: Module, still: Collection[str] = ()) -> dict[str, Tensor]:
    """What training changes some time: all but the weights that never learn, which are named."""
    return {name: tensor for name, tensor in module.state_dict().items() if name not in still}


def put_back(module: Module, tensors: Mapping[str, Tensor], still: Collection[str] = ()) -> None:
    """The inverse of moving(); RuntimeError where they are those of another module."""
    wanted = moving(module, still).keys()
    if wanted != tensors.keys():
        raise RuntimeError(f"not those of this module: {sorted(wanted ^ tensors.keys())}")
    module.load_state_dict(dict(tensors), strict=False)


def total_steps(training: Training, feed: Feed) -> int:
    return training.epochs * feed.steps_per_epoch


def steps(run: Run, feed: Feed, update: Update, training: Training) -> Generator[Step]:
    """One Step after each update, from run.step on. Torch's generator is reseeded for each, and given back at the end."""
    import torch

    whole, each, module = total_steps(training, feed), feed.steps_per_epoch, run.models["model"]
    chance_before = torch.get_rng_state()
    try:
        while run.step < whole and not run.ended:
            number = run.step
            if not module.training:  # whoever judged it between two steps may have left it so
                module.train()
            batches = [feed.batch(number, micro) for micro in update.mine(feed.micros)]
            rate = training.optimizer.rate * training.schedule.factor(number / whole) * run.rate_scale
            loss, norm, skipped = update(run, batches, rate)
            run.step += 1
            yield Step(number, number // each, loss, norm, skipped, rate, ends_epoch=run.step % each == 0)
    finally:
        torch.set_rng_state(chance_before)


def epoch_loss(run: Run) -> float:
    """The mean loss of the updates since this was last asked; not a number where all of them were skipped."""
    state = run.state
    total, count = float(state["loss_sum"]), float(state["updates"] - state["updates_before"])
    state["loss_sum"].zero_()
    state["updates_before"].copy_(state["updates"])
    return total / count if count else float("nan")


def skipped(run: Run) -> int:
    """Updates so far that changed nothing, since loss or gradient was not finite."""
    return run.step - int(run.state["updates"])


def judge(run: Run, training: Training, value: float, better: Literal["higher", "lower"]) -> bool:
    """Notes what an epoch is worth; true if it is the best so far, whose weights are then kept on the side.

    Ends the run when patience is spent. A value that is not a number is never the best."""
    sign = 1 if better == "higher" else -1
    best = value == value and (run.best_score is None or sign * value > sign * run.best_score)
    if best:
        run.best_score, run.best_epoch, run.waited = value, len(run.history), 0
        run.best = {name: weight.detach().clone() for name, weight in moving(run.models["model"], run.still).items()}
    else:
        run.waited += 1
    run.ended = training.stopping is not None and run.waited >= training.stopping.patience
    return best


def finish(run: Run) -> None:
    """Ends the run with the best weights it has seen, where it was judged at all."""
    run.ended = True
    if run.best is not None:
        put_back(run.models["model"], run.best, run.still)
