"""The loss jumps, rises or stays where it was because steps are too large.

## What it finds
A learning rate at which a step changes the weights by a large part of themselves, together with a loss that shows the
harm.

## Why it harms
The gradient tells the slope at one point. A step far beyond the region where that slope holds can land anywhere: the
loss jumps, units die, weights grow until what was initialised with care has drowned, and training goes on from there,
if it goes on at all.

## How it is recognised
Two kinds of evidence are asked for. The steps: the update of a layer's weights relative to the weights themselves
(norm over norm, the median over layers) is far above what trains well, or the weights have grown to a multiple of
their start within few steps. The loss: it explodes within the first steps (that of a classifier stays there far above
that of guessing), ends where it began, rises again after its
best, or is lost in NaN. Normally weights change by about a thousandth a step, by a few hundredths in the first steps
of Adam, and by more where a clipped SGD is run hot, which is why the loss has to agree.
Where trials were made, copies of the training tell which rate to try, and for plain SGD the curvature tells the largest
stable one.

## What it cannot see
A rate that is only somewhat too high, at which the loss still falls, but less far than it could. Programs with
several losses that work against each other are not judged. Where the signal explodes in the untrained network already,
`optimisation.exploding-gradient` says so instead.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=15.0, momentum=0.9)
for epoch in range(12):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
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
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(12):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`large_ratio`: update over weight (norms) that no layer survives for long. `suspicious_ratio`: the same, where the
loss explodes. `growth`: how many times their start the weights have become. `explosion`: loss over first loss.
`unmoved`: last loss over first. `worse`: the first losses of a classifier over that of guessing. `whole`: updates of a weight
whose norm has shrunk below this share of its start (by a decay) do not count.

## References
A. Karpathy, "A Recipe for Training Neural Networks" and CS231n notes: ratio of updates to weights about 1e-3.
Y. Bengio, "Practical Recommendations for Gradient-Based Training of Deep Architectures", 2012.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from seatrial.findings import Figure, Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules.graph import Graph
from seatrial.rules.growth import grown_from_start
from seatrial.rules.losses import guessing
from seatrial.rules.series import finite, head_and_tail, jump, median
from seatrial.rules.sweeps import tried_rates
from seatrial.rules.training import CLASSIFICATION, Training, blocks, deviation

NAME = "optimisation.learning-rate-too-high"
EXPLAINS = (
    "optimisation.update-ratio-off",
    "optimisation.exploding-gradient",
    "optimisation.non-finite-loss",
    "optimisation.loss-not-decreasing",
    "optimisation.noisy-loss",
    "optimisation.vanishing-gradient",
    "optimisation.underfitting",
    "optimisation.overfitting",
    "optimisation.cannot-overfit-subset",
    "model.dead-units",
    "model.constant-output",
    "model.saturated-activations",
)


@dataclass(frozen=True)
class Thresholds:
    """All are ratios. large_ratio and suspicious_ratio: of update to weight, where 1e-3 is usual and first steps of
    Adam reach 0.1 on wide layers; growth: of weights to their start, where 2 is much; explosion: of the loss to
    its first value; unmoved: of the last losses to the first; rise: of the last losses to the best part;
    worse: of the median of the first losses of a classification to that of guessing; whole: of a weight's norm to that at
    the start, below which its updates are not held against it."""

    large_ratio: float = 0.25
    suspicious_ratio: float = 0.05
    growth: float = 6.0
    explosion: float = 20.0
    unmoved: float = 0.95
    rise: float = 1.08
    worse: float = 3.0
    whole: float = 0.5


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Steps that are large and a loss that shows it."""
    training = Training(run)
    if not training.plain or len(training.loss) < 10 or not training.ratio.values:
        return
    rate = _peak_rate(training)
    if rate <= 0 or training.uneven or grown_from_start(training) is not None:
        return
    harm = _harm(training, limits)
    if harm is None:
        return
    kind, sentence = harm
    first, largest = training.ratio.values[0], _largest(training, limits)
    grown = _growth(training)
    violent = largest >= limits.large_ratio or grown >= limits.growth
    if not violent and not (kind == "explodes" and largest >= limits.suspicious_ratio):
        return
    _, end = head_and_tail(training.values, 0.05)
    size = (
        f"one step changes the weights by {percent(largest)} of themselves"
        if largest < 10
        else "steps dwarf the weights"
    )
    evidence: dict[str, Figure] = {
        "learning_rate": rate,
        "first_update_ratio": first,
        "largest_update_ratio": largest,
        "growth_of_weights": grown,
        "first_loss": next(iter(finite(training.values)), math.nan),
        "last_loss": end,
        "loss": kind,
    }
    name = training.optimizer.type if training.optimizer is not None else "the optimizer"
    usual = f"Try a learning rate ten to a hundred times smaller, such as {decimal(rate / 30, 1)}."
    figures, remedy = tried_rates(run, usual, lower=True)
    evidence |= {"suggested_rate": rate / 30, **figures}
    yield Finding(
        NAME,
        "error",
        f"With {name} at a learning rate of {decimal(rate)} {size} and the loss {sentence}.",
        training.rate_places(),
        evidence,
        remedy,
        EXPLAINS,
        0.92 if violent and kind != "rises" else 0.85,
    )


def _peak_rate(training: Training) -> float:
    return max(finite(training.setting("lr").values), default=0.0)


def _largest(training: Training, limits: Thresholds) -> float:
    """The greatest median over matrices of update over weight, of weights that no decay has shrunk by then."""
    starts = {number: training.infos[number].stats.get("norm", 0.0) for number in training.matrices}
    found = [0.0]
    for look in training.looks:
        small = {
            n
            for n, norm in zip(look.parameters, look.weight_norm, strict=True)
            if norm < limits.whole * starts.get(n, 0.0)
        }
        ratios = training.ratios(look, besides=small)
        found += [median(ratios)] if ratios else []
    return max(found)


def _growth(training: Training) -> float:
    """Median over matrices of the greatest weight norm at a look over the first one."""
    first: dict[int, float] = {}
    most: dict[int, float] = {}
    for look in training.looks:
        for number, weight in zip(look.parameters, look.weight_norm, strict=True):
            if number in training.matrices and weight > 0 and math.isfinite(weight):
                start = training.infos[number].stats.get("norm", weight)
                first.setdefault(number, start if start > 0 else weight)
                most[number] = max(most.get(number, 0.0), weight)
    return median([most[number] / first[number] for number in first]) if first else 1.0


def _harm(training: Training, limits: Thresholds) -> tuple[str, str] | None:
    """What the loss does, as a word and as the end of a sentence; None where it does well enough."""
    values = training.values
    known = finite(values)
    if len(known) < 5:
        return "explodes", "is not finite after a few steps"
    first = median(known[:3])
    start, end = head_and_tail(values, 0.1)
    early = values[: max(20, len(values) // 20)]
    peak = max(finite(early), default=first)
    lost = not math.isfinite(median(values[-3:])) or any(not math.isfinite(value) for value in values[-3:])
    noisy = _noisy(known)
    scale = max(abs(known[0]), _usual(known) if noisy else 0.0, 1e-12)
    if lost:
        return "explodes", f"is not finite at the end (it began at {decimal(known[0], 3)})"
    if known[0] > 0 and peak >= limits.explosion * scale and end >= 0.5 * scale:
        return (
            "explodes",
            f"jumps from {decimal(scale, 3)} to {decimal(peak, 3)} within the first steps and ends at {decimal(end, 3)}",
        )
    if not training.supervised:
        return None
    if median(finite(early[1:])) >= limits.worse * max(_guess(training), known[0]):
        return (
            "explodes",
            f"is {decimal(median(finite(early[1:])), 3)} in the first steps, after {decimal(known[0], 3)} at the very first",
        )
    began = max(start, first) if noisy else min(known[0], max(start, first))
    if known[0] > 0 and end >= limits.unmoved * began:
        return "stays", f"ends at {decimal(end, 3)} where it began at {decimal(began, 3)}"
    return _rise(values, limits)


def _guess(training: Training) -> float:
    """The loss of a classification that knows nothing; infinite for what is none."""
    graph = training.graphs[0]
    found = [guessing(graph, node) for node in graph.calls(*training.loss_ops & CLASSIFICATION)]
    return sum(each if each is not None else math.inf for each in found) if found else math.inf


def _noisy(known: list[float]) -> bool:
    """Whether late losses differ from one to the next by about as much as they are high, as those of single examples do:
    then the first one alone says little."""
    late = known[len(known) // 2 :]
    return jump(late) >= 0.5 * abs(median(late))


def _usual(known: list[float]) -> float:
    """What nine of ten late losses stay below."""
    late = sorted(known[len(known) // 2 :])
    return late[int(0.9 * len(late))]


def _rise(values: list[float], limits: Thresholds) -> tuple[str, str] | None:
    """The loss was clearly lower before: the last third lies above the best part by more than its noise."""
    parts = blocks(values)
    if len(parts) < 9:
        return None
    best = min(parts[:-3])
    late = median(parts[-4:])
    noise = 3 * deviation(values)
    if best > 0 and parts.index(best) < len(parts) * 0.6 and late >= limits.rise * best and late - best > noise:
        return "rises", f"rises to {decimal(late, 3)} after it had been at {decimal(best, 3)}"
    return None


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """A rate at which the first step changes some thousandths of the weights."""
    ratio = finding.evidence.get("first_update_ratio")
    if not isinstance(ratio, float) or not ratio > 0:
        return None
    factor = max(1e-4, min(0.1, 5e-3 / ratio))
    first, *others = (
        Mend(f"learning rate x {decimal(each, 2)}", rate=each) for each in (factor, 5 * factor, factor / 5)
    )
    return replace(first, others=tuple(others))
