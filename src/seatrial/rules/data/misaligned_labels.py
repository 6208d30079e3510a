"""Inputs and targets were reordered independently of each other, so targets no longer belong to their inputs.

## What it finds
Inputs and targets that were each put into an order of their own (shuffled twice, one of them sorted, two loaders that
shuffle side by side), that are some places off each other, or that meet anew at random in every pass.

## Why it harms
There is nothing to be learned. The loss stays at that of guessing, or the network learns its examples by heart, and
no setting of the training helps.

## How it is recognised
By two things together. First, the examples themselves: neither a nearest neighbour nor a linear model nor one feature
alone answers examples that it has not seen better than with permuted targets, and there are enough examples to say
so. That alone is no fault: noise and hard problems look the same. Second, one of these: the source puts the one into
another order and not the other, or both by two calls of a function that draws an order anew; targets some places
further on do belong to their neighbours' inputs; an example comes with another class each time; examples of the
evaluation can be answered where those of the training cannot.

## What it cannot see
Examples with several inputs, targets of several numbers, sequences of tokens whose order counts, too few examples;
orders that are taken from files. Programs that speak of random labels are left alone.

## Faulty
```python
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
x = x[torch.randperm(len(x))]
y = y[torch.randperm(len(y))]
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
order = torch.randperm(len(x))
x = x[order]
y = y[order]
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`examples`: fewest from which on nothing can be told from little. `spreads`: standard deviations (of the score with
permuted targets) from which on there is something; that is sure from `sure` on. `gain`: how much of what guessing
leaves open (of the variance, for numbers) a nearest neighbour may reach at most, with `spreads` added; `strong`: at
least, where there is something. `walk`: likeness of successive examples from
which on they are a series, in which neighbours belong to each other anyway. `comings`: second comings of examples.

## References
B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", 2010. C. Northcutt, A. Athalye and J. Mueller,
"Pervasive label errors in test sets destabilize machine learning benchmarks", 2021.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import DataGlanced
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules.batches import Batches
from seatrial.rules.misalignments import Cause, deviations, redrawn, reordered, shifted, unlike_evaluation
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "data.misaligned-labels"
EXPLAINS = (
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.overfitting",
    "optimisation.learning-rate-too-low",
    "optimisation.learning-rate-too-high",
    "optimisation.noisy-loss",
    "optimisation.cannot-overfit-subset",
    "model.constant-output",
    "model.input-ignored",
)
# Programs that mean it: networks that learn random labels by heart, tests against chance.
_MEANT = re.compile(
    r"(random|noise|fake|permuted)[_ -]?(ly )?(labels?|targets?)\b|(labels?|targets?)[_ -]?(random|noise)|memori[sz]"
    r"|(permutation|randomi[sz]ation)[_ -]tests?|null[_ -](model|distribution)|rademacher",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """examples, comings: numbers of them. spreads, sure: standard deviations. gain, strong, walk: shares (0..1). generalised: a
    loss on new examples, as a share of the first one or of guessing, below which the network has learned after all."""

    examples: int = 200
    spreads: float = 3.0
    sure: float = 8.0
    gain: float = 0.15
    strong: float = 0.3
    walk: float = 0.3
    comings: int = 60
    generalised: float = 0.8


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """At most one finding: training examples that have nothing to do with their targets, and why."""
    glanced = [each for each in run.every(DataGlanced) if each.phase == "training"]
    seen = max(glanced, key=lambda each: each.examples, default=None)
    if seen is None or not _nothing(seen, limits) or not Training(run).supervised:
        return
    batches = Batches(run)
    if not batches.inputs or not batches.targets or _MEANT.search(batches.text()):
        return
    if _generalises(run, limits) or _learns(run, batches, limits):
        return
    inputs, targets = batches.ways(batches.inputs[0]), batches.ways(batches.targets[0])
    for cause in (
        redrawn(batches, inputs, targets, limits),
        reordered(inputs, targets),
        shifted(run, seen, inputs, targets, limits),
        unlike_evaluation(run, seen, inputs, targets, limits),
    ):
        if cause is not None:
            yield _finding(run, batches, seen, cause)
            return


# ---- the examples themselves -------------------------------------------------------------------------------------


def _nothing(seen: DataGlanced, limits: Thresholds) -> bool:
    """Whether no simple learner answers better than by chance, with examples enough to say so."""
    tests = (seen.nearest, seen.nearest_in_batch, seen.linear, seen.single)
    near = seen.nearest
    reachable = (near.score + limits.spreads * near.spread - near.chance) / max(1e-9, 1 - near.chance)
    explained = reachable if seen.classes else reachable**2
    return (
        seen.examples >= limits.examples
        and all(deviations(test) < limits.spreads for test in tests)
        and explained < limits.gain
    )


def _generalises(run: Run, limits: Thresholds) -> bool:
    """Whether the network answers evaluation data: then there was something to be learned that no simple learner sees."""
    losses: dict[str, list[float]] = {}
    for each in run.passes:
        for name, value in each.losses.items():
            losses.setdefault(f"{name} {each.label}", []).append(value)
    return any(
        values[0] > 0 and min(values[1:], default=math.inf) < limits.generalised * values[0]
        for name, values in losses.items()
        if not name.endswith(" train")
    )


def _learns(run: Run, batches: Batches, limits: Thresholds) -> bool:
    """Whether the network answers examples that it sees for the first time: whether the cross-entropy is below the
    entropy of the classes by the end of the first pass."""
    counts = batches.classes
    total = sum(counts.values())
    first = Training(run).values[: batches.epoch]
    if not total or "cross_entropy" not in Training(run).loss_ops or len(first) < 8:
        return False
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    last = first[-max(4, len(first) // 4) :]
    return sum(last) / len(last) < limits.generalised * entropy


# ---- the finding -------------------------------------------------------------------------------------------------


def _finding(run: Run, batches: Batches, seen: DataGlanced, cause: Cause) -> Finding:
    near, line = seen.nearest, seen.linear
    chance = percent(near.chance) if seen.classes else f"{near.chance:.2f}"
    right = percent(near.score) if seen.classes else f"{near.score:.2f}"
    fitted = percent(line.score) if seen.classes else f"{line.score:.2f}"
    measure = "right answers" if seen.classes else "correlation"
    message = (
        f"Targets have nothing to do with their inputs: over {seen.examples} training examples a nearest neighbour reaches "
        f"{right} and a linear model {fitted} ({measure}), where permuted targets give {chance}; {cause.message}."
    )
    evidence = {
        "examples": seen.examples,
        "nearest_neighbour": near.score,
        "linear_model": line.score,
        "permuted_targets": near.chance,
        "p": min(near.p, line.p, seen.single.p),
        **cause.figures,
    }
    use = [*batches.lineage(batches.targets[0])[:1], batches.targets[0].where]
    return Finding(
        NAME,
        "error",
        message,
        distinct([*cause.places[:4], *use]),
        {**evidence},
        "Reorder inputs and targets by one and the same permutation, or keep each pair in one data set.",
        EXPLAINS,
        cause.confidence,
    )
