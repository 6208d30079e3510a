"""A setting of the optimizer defeats it.

## What it finds
Momentum of one or more, also when it grows to that while training; betas of Adam that are swapped or next to nothing;
an epsilon that is as large as the gradients; a learning rate of zero for a group; a weight decay below zero.

## Why it harms
With a momentum of one nothing that was ever added to the velocity fades, so steps grow without end. With swapped
betas the mean remembers a thousand steps and the variance ten. A large epsilon turns Adam into SGD with a tiny rate.
A group without a rate never learns.

## How it is recognised
The settings of all param groups, when the optimizer is built and whenever they change, are compared with what the
update rule needs. An epsilon is compared with the gradients that were seen.

## What it cannot see
Settings that are merely not the best.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 10)
y = x @ torch.randn(10, 1)
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
for epoch in range(8):
    for group in optimizer.param_groups:
        group["momentum"] = 0.5 + 0.1 * epoch
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 10)
y = x @ torch.randn(10, 1)
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
for epoch in range(8):
    for group in optimizer.param_groups:
        group["momentum"] = min(0.9, 0.5 + 0.1 * epoch)
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`most_momentum`: at which velocity never fades. `least_beta2`: below it the variance is that of single gradients.
`epsilon_share`: of the gradients' typical element, at which epsilon rules the step.

## References
D. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", 2015, section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial.events import OptimizerBuilt, Place
from seatrial.findings import Finding, Mend
from seatrial.history import Run, Series
from seatrial.numbers import decimal
from seatrial.rules.graph import Graph
from seatrial.rules.series import median
from seatrial.rules.source import origin, settings_of
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "optimisation.bad-optimizer-setting"
EXPLAINS = (
    "optimisation.non-finite-loss",
    "optimisation.exploding-gradient",
    "optimisation.loss-not-decreasing",
    "optimisation.learning-rate-too-high",
    "optimisation.learning-rate-too-low",
    "optimisation.update-ratio-off",
    "optimisation.noisy-loss",
    "optimisation.underfitting",
    "optimisation.cannot-overfit-subset",
    "model.dead-units",
    "model.constant-output",
)


@dataclass(frozen=True)
class Thresholds:
    """most_momentum: without unit, 1 never forgets. least_beta2: without unit (0.9 averages ten steps). epsilon_share:
    epsilon over the median gradient element (Adam divides by their sum)."""

    most_momentum: float = 0.9999
    least_beta2: float = 0.5
    epsilon_share: float = 30.0


@dataclass(frozen=True, slots=True)
class Mistake:
    """A setting, its value, what it does, what to do; `late` where it came to be while training."""

    setting: str
    value: float
    effect: str
    remedy: str
    late: bool = False
    confidence: float = 0.95


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Each setting of each optimizer that cannot be meant."""
    training = Training(run)
    for optimizer in run.optimizers.values():
        for number, group in enumerate(optimizer.groups):
            if not group.parameters:
                continue
            mistakes = [*_over_time(run, optimizer, number, limits), *_betas(run, optimizer, number, limits)]
            mistakes += [*_epsilon(training, optimizer, number, limits), *_rate(run, optimizer, number)]
            mistakes += _decay(run, optimizer, number)
            for mistake in mistakes:
                yield _finding(run, optimizer, number, mistake)


def _values(run: Run, optimizer: OptimizerBuilt, group: int, name: str) -> Series:
    """A setting from the start on."""
    start = optimizer.groups[group].settings.get(name)
    series = run.settings.get((optimizer.optimizer, group, name), Series((), ()))
    if isinstance(start, (int, float)) and not isinstance(start, bool):
        return Series((-1, *series.ticks), (float(start), *series.values))
    return series


def _over_time(run: Run, optimizer: OptimizerBuilt, group: int, limits: Thresholds) -> Iterator[Mistake]:
    for name in ("momentum", "beta1", "beta2", "alpha", "rho"):
        if name == "alpha" and optimizer.type != "RMSprop":
            continue
        series = _values(run, optimizer, group, name)
        for tick, value in zip(series.ticks, series.values, strict=True):
            if value >= limits.most_momentum and not (name in ("beta2", "alpha", "rho") and value < 1):
                late = tick > 0 and series.values[0] < limits.most_momentum
                when = f" from step {tick} on" if late else ""
                effect = f"is {decimal(value)}{when}, so what was added once never fades and steps grow without end"
                yield Mistake(name, value, effect, f"Keep {name} below 1, at 0.9 for example.", late)
                break
            if value < 0:
                yield Mistake(
                    name, value, f"is {decimal(value)}, which turns the average around", f"Set {name} to 0.9."
                )
                break


def _betas(run: Run, optimizer: OptimizerBuilt, group: int, limits: Thresholds) -> Iterator[Mistake]:
    if "Adam" not in optimizer.type:
        return
    first = _values(run, optimizer, group, "beta1").values
    second = _values(run, optimizer, group, "beta2").values
    if not first or not second:
        return
    if first[0] > second[0] and second[0] < 0.99 and first[0] > 0.9:
        effect = f"are ({decimal(first[0])}, {decimal(second[0])}): the mean remembers longer than the variance, as if swapped"
        yield Mistake("betas", first[0], effect, f"Write betas=({decimal(second[0])}, {decimal(first[0])}).")
    elif second[0] < limits.least_beta2:
        effect = f"are ({decimal(first[0])}, {decimal(second[0])}): the variance is that of the last gradients alone"
        yield Mistake("betas", second[0], effect, "Use betas=(0.9, 0.999).", confidence=0.85)


def _epsilon(training: Training, optimizer: OptimizerBuilt, group: int, limits: Thresholds) -> Iterator[Mistake]:
    """Epsilon against the gradients' own size: beyond it Adam is SGD at a rate of lr / epsilon."""
    value = _values(training.run, optimizer, group, "eps").values
    if not value or not ("Adam" in optimizer.type or optimizer.type in ("RMSprop", "RAdam", "Adagrad")):
        return
    members = set(optimizer.groups[group].parameters)
    sizes = [
        gradient / math.sqrt(math.prod(training.infos[number].shape))
        for look in training.run.looks
        if look.optimizer == optimizer.optimizer
        for number, gradient in zip(look.parameters, look.gradient_norm, strict=True)
        if number in members and number in training.infos and gradient > 0
    ]
    typical = median(sizes)
    if value[0] >= 1e-3 and typical > 0 and value[0] > limits.epsilon_share * typical:
        effect = f"is {decimal(value[0])} where a gradient's element is about {decimal(typical, 2)}: steps are {value[0] / typical:.0f} "
        effect += "times smaller than the rate says"
        yield Mistake("eps", value[0], effect, "Use eps=1e-8.", confidence=0.85)


def _rate(run: Run, optimizer: OptimizerBuilt, group: int) -> Iterator[Mistake]:
    values = [value for value in _values(run, optimizer, group, "lr").values if math.isfinite(value)]
    if not values or optimizer.optimizer not in {look.optimizer for look in run.looks}:
        return
    if min(values) < 0:
        yield Mistake(
            "lr", min(values), f"is {decimal(min(values))}: the loss is climbed, not descended", "Use a positive rate."
        )
    elif max(values) == 0.0:
        what = "group" if len(optimizer.groups) > 1 else "optimizer"
        severity = 0.9 if len(optimizer.groups) == 1 else 0.8
        yield Mistake(
            "lr", 0.0, f"is 0 all the time: this {what} learns nothing", "Give it a rate.", confidence=severity
        )


def _decay(run: Run, optimizer: OptimizerBuilt, group: int) -> Iterator[Mistake]:
    decay = _values(run, optimizer, group, "weight_decay").values
    if decay and decay[0] < 0:
        yield Mistake(
            "weight_decay", decay[0], f"is {decimal(decay[0])}: weights are made to grow", "Use a value above 0."
        )


def _finding(run: Run, optimizer: OptimizerBuilt, group: int, mistake: Mistake) -> Finding:
    of_group = f" in group {group}" if len(optimizer.groups) > 1 else ""
    return replace(
        Finding(
            NAME,
            "error" if mistake.confidence > 0.8 else "warning",
            f"{mistake.setting} of {optimizer.type}{of_group} {mistake.effect}.",
            _places(run, optimizer, mistake),
            {"setting": mistake.setting, "value": mistake.value, "group": group, "optimizer": optimizer.type},
            mistake.remedy,
            EXPLAINS,
        ),
        confidence=mistake.confidence,
    )


def _places(run: Run, optimizer: OptimizerBuilt, mistake: Mistake) -> tuple[Place, ...]:
    name = "betas" if mistake.setting.startswith("beta") else mistake.setting
    built = (*origin(run, optimizer.where, name), optimizer.where)
    return distinct([*settings_of(run, name), *built] if mistake.late else built)


# What the settings are in torch's own optimizers and in most programs.
_USUAL: dict[str, tuple[tuple[str, float], ...]] = {
    "momentum": (("momentum", 0.9),),
    "beta1": (("beta1", 0.9),),
    "beta2": (("beta2", 0.999),),
    "betas": (("beta1", 0.9), ("beta2", 0.999)),
    "eps": (("eps", 1e-8),),
    "alpha": (("alpha", 0.99),),
    "rho": (("rho", 0.9),),
    "weight_decay": (("weight_decay", 0.0),),
}


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """The setting as it usually is."""
    setting = str(finding.evidence.get("setting"))
    if setting not in _USUAL:
        return None
    words = ", ".join(f"{name} {decimal(value)}" for name, value in _USUAL[setting])
    return Mend(words, settings=_USUAL[setting])
