"""loop.weights-reset: the model or the optimizer is built anew inside the loop, so what was learned is lost.

## What it finds
A model that is constructed in the body of the loop over epochs, episodes or batches; weights that are drawn anew
there (`reset_parameters()`, `nn.init`); an optimizer with state (momentum, Adam's moments) that is built anew for the same
parameters in every round of that loop.

## Why it harms
All that the rounds before have learned is thrown away; without its moments Adam takes its first, overlarge steps for ever.

## How it is recognised
Several models of one construction line, or several optimizers over the same parameters, whose innermost loop speaks of
epochs, episodes, steps or batches, each of them stepped in no further loop over epochs. Loops over folds, seeds, trials,
members, tasks and the like build models rightly; so do loops whose earlier models are used again later (ensembles, boosting),
and models into which weights are loaded (federated and meta-learning). Where models are built anew for each turn and another one
is given their weights in round after round, they should begin with its weights, so with the same ones in each round: none
of them may be loaded, and no two start alike.

Weights that trained and are drawn anew in rounds of such a loop are reset, unless a condition there counts rounds or asks
for something (a planned restart).

## What it cannot see
Weights that are overwritten with others (`load_state_dict`, `copy_`), which may well be meant.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
for epoch in range(6):
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
```

## Thresholds
`models`: so many models of one line, at least. `optimizers`: so many optimizers over the same parameters (a few may be the
phases of a training).

## References
PyTorch documentation, *torch.optim*: state_dict holds the state that is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import ModelSeen, OptimizerBuilt, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import (
    callers,
    calls_to,
    holds,
    loop_words,
    loops_around,
    span,
)
from seatrial.rules.parameters import listed
from seatrial.rules.rounds import is_round, loop_at, round_around
from seatrial.rules.turns import count, made, steps
from seatrial.rules.where import distinct

NAME = "loop.weights-reset"
EXPLAINS = (
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.noisy-loss",
    "optimisation.learning-rate-too-high",
    "optimisation.learning-rate-too-low",
)
_STATEFUL = re.compile(r"Adam|RMSprop|Adagrad|Adadelta|Lion|LAMB|Rprop|Adafactor|Muon")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """models and optimizers: counts. See the page."""

    models: int = 3
    optimizers: int = 4


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    found = _models(run, limits) or _averaged(run, limits) or _redrawn(run, limits) or _optimizers(run, limits)
    if found is not None:
        yield found


def _models(run: Run, limits: Thresholds) -> Finding | None:
    groups: dict[tuple[str, Place], dict[int, ModelSeen]] = {}
    for seen in run.every(ModelSeen):
        place = construction(run, seen)
        if place is not None and seen.loops and any(not p.is_buffer for p in seen.parameters):
            groups.setdefault((seen.type, place), {}).setdefault(seen.model, seen)
    for (_, place), models in groups.items():
        trained = [seen for seen in models.values() if _trains(run, seen)]
        if len(trained) < limits.models or not is_round(run, trained[0].loops) or _used_again(run, trained):
            continue
        if any(_loaded(run, seen) for seen in trained):
            continue
        if _epochs_within(run, trained[0].loops):
            continue
        return _models_finding(run, place, trained)
    return None


def _averaged(run: Run, limits: Thresholds) -> Finding | None:
    """Networks that are built anew for each turn of training, and whose weights go into another one round by round, without
    ever having come from there: all start differently, which copies of one would not."""
    groups: dict[tuple[str, Place], dict[int, ModelSeen]] = {}
    for seen in run.every(ModelSeen):
        if seen.where is not None and len(seen.loops) > 1:
            groups.setdefault((seen.type, seen.where), {}).setdefault(seen.model, seen)
    times = count(run, "load")
    for (_, place), models in groups.items():
        fresh = [seen for seen in models.values() if not _loaded(run, seen)]
        into = [call for call in times if run.calls[call].detail == "model" and run.calls[call].subject not in models]
        like = (
            [call for call in into if _sizes(run, run.calls[call].subject) == _sizes(run, fresh[0].model)]
            if fresh
            else []
        )
        rounds = max((times[call] for call in like), default=0)
        starts = {tuple(info.stats.get("norm") for info in seen.parameters) for seen in fresh}
        if (
            sum(_trains(run, seen) for seen in fresh) < limits.models
            or rounds < limits.models
            or len(fresh) < 2 * rounds
            or len(fresh) < len(models)
            or len(starts) < len(fresh)
        ):
            continue
        loop, loads = fresh[0].loops[-1], [run.calls[call].where for call in like]
        message = (
            f"{len(fresh)} networks were each built anew, trained and put into another one in {rounds} rounds, but none of "
            "them begins with its weights: what the rounds before had learned is lost."
        )
        users = [built.where for built in run.optimizers.values() if built.loops == fresh[0].loops][:1]
        where = distinct([*callers(run, place)[:1], *users, fresh[0].called, loop, *loads, place])
        evidence: dict[str, Figure] = {"models": len(fresh), "rounds": rounds, "loop": run.line(loop)}
        return Finding(NAME, "error", message, where, evidence, "Load the weights that are sent out.", EXPLAINS, 0.9)
    return None


def _sizes(run: Run, model: int) -> list[tuple[int, ...]]:
    return [info.shape for info in run.models[model].parameters] if model in run.models else []


def _loaded(run: Run, seen: ModelSeen) -> bool:
    return any(run.fates[p.parameter].loaded for p in seen.parameters if p.parameter in run.fates)


def construction(run: Run, seen: ModelSeen) -> Place | None:
    """The line that makes a model: of a class of the user's, the line in the loop that calls it."""
    calls = calls_to(run, seen.type)
    inside = [place for place in calls for loop in seen.loops[-1:] for node in loop_at(run, loop) if holds(node, place)]
    return inside[0] if inside else seen.where


def _trains(run: Run, seen: ModelSeen) -> bool:
    return any(run.fates[p.parameter].optimizers for p in seen.parameters if p.parameter in run.fates)


def _used_again(run: Run, models: list[ModelSeen]) -> bool:
    """Whether a model is called again after a later one has been made."""
    latest = -1
    order = {seen.model: at for at, seen in enumerate(models)}
    for one in made(run):
        if one.call.kind == "forward" and one.call.subject in order:
            at = order[one.call.subject]
            if at < latest:
                return True
            latest = max(latest, at)
    return False


def _epochs_within(run: Run, loops: tuple[Place, ...]) -> bool:
    """Whether the steps stand in a further loop over epochs inside of the one that builds the model."""
    outer = {(loop.file, loop.line) for loop in loops}
    for call in run.calls_of("step"):
        if call.where is None:
            continue
        for site in [call.where, *callers(run, call.where)]:
            for node in loops_around(run, site):
                inner = (site.file, span(node)[0]) not in outer
                if inner and any("epoch" in word.lower() for word in loop_words(node)):
                    return True
    return False


def _models_finding(run: Run, place: Place, models: list[ModelSeen]) -> Finding:
    numbers = {p.parameter for seen in models for p in seen.parameters}
    builders = [
        built.where
        for built in run.optimizers.values()
        if any(p in numbers for group in built.groups for p in group.parameters)
    ]
    loop = models[0].loops[-1]
    rounds = max(len(models), sum(built.where == builders[0] for built in run.optimizers.values()) if builders else 0)
    message = (
        f"{models[0].type} was built {rounds} times and trained anew each time, "
        f"in the loop of line {loop.line}: what the rounds before had learned is lost."
    )
    evidence: dict[str, Figure] = {"models": rounds, "loop": run.line(loop)}
    where = distinct([place, *builders[:1], loop])
    remedy = "Build the model and its optimizer once, before the loop."
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.92)


def _optimizers(run: Run, limits: Thresholds) -> Finding | None:
    groups: dict[tuple[Place, frozenset[int]], list[OptimizerBuilt]] = {}
    for built in run.optimizers.values():
        own = frozenset(p for group in built.groups for p in group.parameters)
        if built.where is not None and built.loops and own:
            groups.setdefault((built.where, own), []).append(built)
    loads = {call.subject for call in run.calls_of("load") if call.detail in ("optimizer", "model")}
    for (place, own), builds in groups.items():
        active = [built for built in builds if steps(run, built.optimizer)]
        owners = {run.fates[p].model for p in own if p in run.fates}
        if len(active) < limits.optimizers or not is_round(run, active[0].loops) or loads & owners:
            continue
        if not _keeps_state(active[0]) or loads & {built.optimizer for built in active}:
            continue
        if _epochs_within(run, active[0].loops):
            continue
        return _optimizers_finding(run, place, active)
    return None


def _redrawn(run: Run, limits: Thresholds) -> Finding | None:
    """Weights that trained are drawn anew, unconditionally, in rounds of a loop over epochs, episodes or batches."""
    for place in distinct(call.where for call in run.calls_of("reset")):
        own = {call.call for call in run.calls_of("reset") if call.where == place}
        rounds = _rounds(run, own)
        loop = round_around(run, place)
        if rounds < limits.models or loop is None:
            continue
        paths = sorted({call.detail for call in run.calls.values() if call.call in own})
        message = (
            f"The weights of {listed(paths)} are drawn anew {rounds} times between training steps, in the loop of line "
            f"{loop.line}: what they had learned is lost each time."
        )
        evidence: dict[str, Figure] = {"times": rounds, "layers": paths[:20], "loop": run.line(loop)}
        where = distinct([place, *callers(run, place)[:1], loop])
        remedy = "Draw the weights once, before the loop."
        return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.92)
    return None


def _rounds(run: Run, calls: set[int]) -> int:
    """How often weights were drawn anew after a step and before another one."""
    rounds = 0
    drawn = False
    for one in made(run):
        if one.call.call in calls:
            drawn = True
        elif one.call.kind == "step":
            rounds += one.weight if drawn else 0
            drawn = False
    return rounds


def _keeps_state(built: OptimizerBuilt) -> bool:
    return bool(_STATEFUL.search(built.type)) or any(group.settings.get("momentum") for group in built.groups)


def _optimizers_finding(run: Run, place: Place, builds: list[OptimizerBuilt]) -> Finding:
    each = steps(run, builds[0].optimizer)
    loop = builds[0].loops[-1]
    message = (
        f"{builds[0].type} was built {len(builds)} times for the same parameters, with {each} steps each, "
        f"in the loop of line {loop.line}: its moments start from zero each time."
    )
    evidence: dict[str, Figure] = {"optimizers": len(builds), "steps_each": each, "loop": run.line(loop)}
    where = distinct([place, loop])
    remedy = "Build the optimizer once, before the loop."
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, 0.88)
