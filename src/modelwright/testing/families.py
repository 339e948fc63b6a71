"""The promises of a family, each a function that yields a sentence where it is broken. B batch, T time."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modelwright import models
from modelwright.nouns import Family, Hidden, Port, Refused, Tagged, Tokens, Vector
from modelwright.reader import kind
from modelwright.testing.case import NAME, Case, form, moved, same, stirred
from modelwright.testing.promises import orders, told
from modelwright.testing.samples import LENGTHS, READ, ROWS, WRITTEN, longer, some
from modelwright.testing.written import natural, shape, written
from modelwright.wording import say

if TYPE_CHECKING:
    from torch import Tensor


def check_family(family: Family) -> list[str]:
    """One sentence for each broken promise."""
    word = kind(type(family))
    broken = [*orders(family, models.Family, "model"), *told(word, _refuses, family)]
    for port in READ:
        if not isinstance(port, family.accepts):
            continue
        where = say("{model} reading {port}", model=word, port=type(port).__name__)
        first, *others = written(family, port)
        for promise in (answers, learns, seeded, still, hidden, ahead, alone, kept, copied, narrow, exported):
            broken += told(where, promise, Case(family, port, first))
        for one in others:
            texts = (still, hidden, ahead, alone, narrow) if isinstance(one, (Tagged, Vector, Tokens)) else ()
            for promise in (answers, learns, *texts):
                broken += told(where, promise, Case(family, port, one))
    return list(dict.fromkeys(broken))


def _refuses(family: Family) -> Iterator[str]:
    """Ports it does not accept are refused with a sentence; several ports are read, or refused."""
    for port in READ:
        ports = (Port("inputs", port), Port("more", port)) if isinstance(port, family.accepts) else (Port("inputs", port),)
        try:
            models.build(family, ports, (Port(NAME, WRITTEN[0]),), seed=0)
        except Refused:
            continue
        except Exception as error:
            names = " and ".join(type(one.kind).__name__ for one in ports)
            yield say("given {ports} it raised {problem}: raise Refused with a sentence.", ports=names, problem=repr(error))


def answers(case: Case) -> Iterator[str]:
    """Each port that is written, by its name: in its shape, float32, finite, a vector as long as it was asked for; read from
    the inputs and never from the label."""
    import torch

    found = case.module(case.batch)
    if list(found) != [NAME]:
        yield say("it writes {found}, not {wanted}.", found=list(found), wanted=[NAME])
        return
    output, wanted = found[NAME], shape(case)
    if output.shape != wanted or output.dtype != torch.float32:
        yield say("it writes {found}, not {wanted}.", found=form(output), wanted=f"float32 {wanted}")
        return
    if not output.isfinite().all():
        yield say("an answer is not finite.")
    if isinstance(case.written, Vector) and case.written.unit:
        lengths = output[torch.tensor(LENGTHS) > 0].norm(dim=1)
        if not torch.allclose(lengths, torch.ones_like(lengths), atol=1e-4):
            yield say("its vectors are not of length 1, as it was asked for.")
    blind = case.read_alone(case.batch)
    if not torch.equal(case.answers(case.module, blind), case.answers(case.module, case.batch)):
        yield say("its answers change where label and row are not in the batch: it reads what it must foretell.")


def learns(case: Case) -> Iterator[str]:
    """The loss is finite and every weight that wants a gradient gets one."""
    import torch

    module = stirred(case.fresh(0)).train()
    objective = natural(case.written)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        loss = sum(objective.ready(case.writes)({"model": module}, case.batch).values(), start=torch.zeros(()))
    if not loss.isfinite():
        yield say("its loss is {loss}.", loss=loss.item())
        return
    names, weights = zip(*((name, weight) for name, weight in module.named_parameters() if weight.requires_grad))
    for name, slope in zip(names, torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)):
        if not slope.any():
            yield say("{name} gets no gradient: it is dead weight.", name=name)
        elif not slope.isfinite().all():
            yield say("the gradient of {name} is not finite.", name=name)


def seeded(case: Case) -> Iterator[str]:
    """Weights are a function of the seed."""
    first, again, other = (case.fresh(seed).state_dict() for seed in (0, 0, 1))
    if not same(first, again):
        yield say("the same seed gives other weights: draw from torch's own generator alone.")
    if same(first, other):
        yield say("another seed gives the same weights: the seed is not used.")


def still(case: Case) -> Iterator[str]:
    """In evaluation nothing is drawn and nothing changes; in training, chance is torch's generator alone."""
    import torch

    before = {name: tensor.clone() for name, tensor in case.module.state_dict().items()}
    if not torch.equal(case.answers(case.module, case.batch), case.answers(case.module, case.batch)):
        yield say("asked twice in evaluation, it answers two things.")
    if not same(before, case.module.state_dict()):
        yield say("answering in evaluation changes its state.")
    learning = [copy.deepcopy(case.module).train() for _ in range(2)]
    found: list[Tensor] = []
    for module in learning:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            found.append(case.answers(module, case.batch))
    if not torch.equal(*found):
        yield say("in training it draws from something else than torch's generator, so no run could be resumed.")


def hidden(case: Case) -> Iterator[str]:
    """What lies under false in the mask, and how much of it, changes no answer."""
    if "mask" not in case.batch:
        return
    most = moved(case.answers(case.module, case.batch), case.answers(case.module, longer(case.batch, case.port)))
    if most > 1:
        yield say("padding changes an answer, {times} times what rounding may: read the mask.", times=f"{most:,.0f}")


def ahead(case: Case) -> Iterator[str]:
    """Where it is foretold what follows a step, nothing that comes after it is looked at."""
    if not isinstance(case.written, Tokens) or isinstance(case.written, Hidden):
        return
    name, mask = case.said
    half, tokens = case.batch[name].shape[1] // 2, case.batch[name].clone()
    tokens[:, half:] = (tokens[:, half:] % (case.written.alphabet - 1) + 1) * case.batch[mask][:, half:]
    changed = {**case.batch, name: tokens}
    most = moved(*(case.answers(case.module, batch)[:, :half] for batch in (case.batch, changed)))
    if most > 1:
        yield say("what comes after a step changes what it writes, {times} times what rounding may.", times=f"{most:,.0f}")


def alone(case: Case) -> Iterator[str]:
    """A row's answer does not depend on the rows around it, nor on its place."""
    import torch

    whole = case.answers(case.module, case.batch)
    one_by_one = torch.cat([case.answers(case.module, some(case.batch, [row])) for row in range(ROWS)])
    back = list(range(ROWS))[::-1]
    turned = case.answers(case.module, some(case.batch, back))[back]
    most = max(moved(whole, one_by_one), moved(whole, turned))
    if most > 1:
        yield say("the rows around a row change its answer, {times} times what rounding may.", times=f"{most:,.0f}")


def kept(case: Case) -> Iterator[str]:
    """All that it is lies in its state: through bytes into a module that was built without memory, it answers alike."""
    import torch
    from safetensors.torch import load, save

    stored = load(save({name: tensor.contiguous() for name, tensor in case.module.state_dict().items()}))
    for device in ("cpu", "meta"):
        with torch.device(device):
            other = case.fresh(1)
        if not all(weight.device.type == device for weight in other.parameters()):
            yield say("built under torch.device({device}), some of it is elsewhere.", device=repr(device))
            continue
        other.load_state_dict(stored, assign=True)
        if not torch.equal(case.answers(case.module, case.batch), case.answers(other.eval(), case.batch)):
            yield say("after saving and loading it answers otherwise: part of it is not in its state_dict.")


def copied(case: Case) -> Iterator[str]:
    """A deep copy answers alike and stands on its own."""
    import torch

    before = case.answers(case.module, case.batch)
    twin = copy.deepcopy(case.module)
    if not torch.equal(before, case.answers(twin, case.batch)):
        yield say("its deep copy answers otherwise.")
    stirred(twin)
    if not torch.equal(before, case.answers(case.module, case.batch)):
        yield say("a change to its deep copy changes it too.")


def narrow(case: Case) -> Iterator[str]:
    """Under bfloat16 autocast it answers in float32, finite."""
    import torch

    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = case.answers(case.module, case.batch)
    if found.dtype != torch.float32 or not found.isfinite().all():
        yield say("under bfloat16 autocast its answers are {dtype} or not finite.", dtype=found.dtype)


def exported(case: Case) -> Iterator[str]:
    """torch.export sees it whole, so nothing in forward asks what a tensor holds."""
    import torch

    given = case.read_alone(case.batch)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own recurrent layers keep lists of their weights, which it remarks on
            program = torch.export.export(case.module, (given,)).module()
    except Exception as error:
        yield say("torch.export cannot follow its forward: {problem}", problem=str(error).strip().splitlines()[0])
        return
    with torch.no_grad():
        if moved(case.answers(case.module, given), case.real(program(given), given)) > 1:
            yield say("torch.export makes something else of it.")
