"""Averages of the weights of one training, taken while it trains: an exponential moving average, and stochastic weight averaging.

They are kept with the optimizer's state: so they are saved and go on with it after an interruption.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from seatrial.practice.ensembles.making import Making
from seatrial.practice.ensembles.member import Member, network
from seatrial.practice.ensembles.renewing import renew
from seatrial.practice.fitting.checkpoints import LAST, load_state
from seatrial.practice.fitting.order import steps_each
from seatrial.practice.fitting.subset import subset
from seatrial.practice.made import Made

# The moving average reaches back over about this share of the training (as Karras et al. 2024 state its length).
REACH = 0.1
# SWA averages the weights at the end of each epoch from here on (Izmailov et al. 2018, section 4: after 75 % of the budget).
SWA_FROM = 0.75
_KEY = "averages"
EMA, SWA = "ema", "swa"


@dataclass(frozen=True, slots=True)
class Averaging:
    """decay  of the moving average, after each step. swa_from: steps after which, every `swa_every` steps, the plain mean takes one more."""

    decay: float
    swa_from: int
    swa_every: int


def plan(steps: int, each_epoch: int) -> Averaging:
    """For a training of so many steps, in epochs of so many."""
    return Averaging(max(0.0, 1 - 1 / max(1.0, REACH * steps)), int(SWA_FROM * steps), each_epoch)


@contextmanager
def averaged(how: Averaging) -> Generator[None]:
    """Within it each step of an optimizer goes into the averages in its state."""

    late: dict[torch.Tensor, torch.Tensor] = {}

    def before(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        late.clear()
        if _clock(optimizer)["steps"]:  # a parameter that has not moved until now: its averages are what it is
            late.update(
                {each: each.detach().clone() for each in _moving(optimizer) if _KEY not in optimizer.state[each]}
            )

    def after(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        clock = _clock(optimizer)
        for each in _moving(optimizer):
            kept = optimizer.state[each].setdefault(_KEY, {})
            if each in late:
                kept |= {EMA: late[each], SWA: late[each].clone()}
            _add(kept, each.detach(), clock, how)

    hooks = register_optimizer_step_pre_hook(before), register_optimizer_step_post_hook(after)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def averages_in(optimizer: Optimizer, name: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The parameters of an optimizer with their averages ("ema" or "swa"), as far as they have one."""
    found = [(parameter, optimizer.state.get(parameter, {}).get(_KEY, {})) for parameter in _parameters(optimizer)]
    return [(parameter, kept[name]) for parameter, kept in found if name in kept]


def averages(making: Making) -> list[Member]:
    """A training at a constant rate, in place of whose annealing weights are averaged; its EMA and its SWA are members, each with its
    batch normalisation's statistics taken anew."""
    if not all(making.store.has(name) for name in (EMA, SWA)):
        task = making.task
        if callable(getattr(task.make().optimizer, "eval", None)):
            making.left_out.append("averages: a schedule-free optimizer averages its weights already.")
            return []
        data = subset(task, making.settings.subset, making.settings.seed)
        each = steps_each(task, data)
        settings = replace(making.settings, patience=0, kept=0, schedule="constant", seed=making.own_seed(1))
        with averaged(plan(settings.epochs * each, each)):
            if making.trained(task, "averages", settings) is None:
                return []
        for name, words in ((EMA, "exponential moving average"), (SWA, "mean of the last quarter's epochs")):
            origin = f"{words} of the weights of a training at a constant rate"
            making.network(name, origin, _averaged(making, name), settings.seed)
    return [making.store.member(name) for name in (EMA, SWA)]


# ---- inner steps -------------------------------------------------------------------------------------------------


def _moving(optimizer: Optimizer) -> list[torch.Tensor]:
    """The parameters that have a gradient, or have had one. (Into the state of others an optimizer would not look for its own.)"""
    return [each for each in _parameters(optimizer) if each.grad is not None or _KEY in optimizer.state.get(each, {})]


def _clock(optimizer: Optimizer) -> dict[str, int]:
    """The steps until now, and how often the plain mean has taken one."""
    kept = [optimizer.state.get(each, {}).get(_KEY) for each in _parameters(optimizer)]
    return {name: max((each[name] for each in kept if each), default=0) for name in ("steps", "taken")}


def _add(kept: dict[str, Any], weights: torch.Tensor, clock: dict[str, int], how: Averaging) -> None:
    steps, taken = clock["steps"] + 1, clock["taken"]
    kept[EMA] = kept[EMA].lerp_(weights, 1 - how.decay) if EMA in kept else weights.clone()
    if steps > how.swa_from and steps % how.swa_every == 0:
        taken += 1
        kept[SWA] = kept[SWA].lerp_(weights, 1 / taken) if taken > 1 else weights.clone()
    kept |= {"steps": steps, "taken": taken}


def _averaged(making: Making, name: str) -> nn.Module:
    """The network at the end of the training, its weights replaced by their average."""
    folder = making.store.training("averages")
    made = making.task.make()
    made.optimizer.load_state_dict(load_state(folder)["optimizer"])
    model = network(making.task, folder / LAST)
    # What the optimizer holds are the parameters of `made.model`, in the same order as those of the model with the last weights.
    own = {id(mine): theirs for mine, theirs in zip(made.model.parameters(), model.parameters(), strict=True)}
    with torch.no_grad():
        for parameter, average in averages_in(made.optimizer, name):
            if id(parameter) in own:  # not those of the loss
                own[id(parameter)].copy_(average)
    return renew(making.task, Made(model.to(making.device), made.loss, made.optimizer))


def _parameters(optimizer: Optimizer) -> Iterator[torch.Tensor]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])
