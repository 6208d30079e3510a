"""Training and evaluation data are preprocessed differently.

## What it finds
Evaluation inputs that are scaled with other statistics than the training inputs, by another constant, or not at all.

## Why it harms
The network is asked about inputs such as it has never seen. The score says more about the scaling than about the
network; in use, where single examples come in, results differ again.

## How it is recognised
Means and deviations of the features of the inputs are compared between training and evaluation, allowing for chance
and for what augmentation does. Parts that have, each by itself, means of exactly 0 and deviations of exactly 1 were
scaled each by their own statistics.

## What it cannot see
Differences that leave means and deviations as they are: another order of channels, another interpolation.

## Faulty
```python
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x = torch.tensor(load_digits().data, dtype=torch.float32)
y = torch.tensor(load_digits().target)
order = torch.randperm(len(x))
x_train, y_train = x[order[:1400]] / 16, y[order[:1400]]
x_val, y_val = x[order[1400:]], y[order[1400:]]
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(5):
    model.train()
    for rows in torch.randperm(len(x_train)).split(50):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(x_val), y_val)
    print(loss.item(), val_loss.item())
```

## Fixed
```python
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
y = torch.tensor(load_digits().target)
order = torch.randperm(len(x))
x_train, y_train = x[order[:1400]], y[order[:1400]]
x_val, y_val = x[order[1400:]], y[order[1400:]]
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(5):
    model.train()
    for rows in torch.randperm(len(x_train)).split(50):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = nn.functional.cross_entropy(model(x_val), y_val)
    print(loss.item(), val_loss.item())
```

## Thresholds
`shift`: of a feature's mean, in deviations of the training data (median over features). `stretch`: of the deviation.
`chance`: how many times its own standard error a shift must be. `exact`: how near to 0 and 1 own statistics are.
`least_examples`, `still`: what is no data set to judge.

## References
S. Kaufman, S. Rosset, C. Perlich and O. Stitelman, "Leakage in data mining", 2012.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import BatchSeen, EvaluationPass, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.batches import Batches, Passes
from seatrial.rules.series import median
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "data.preprocessing-mismatch"
EXPLAINS = ("optimisation.overfitting", "optimisation.underfitting", "model.constant-output")
_SCALING = re.compile(
    r"mean|std|scal|normal|standard|transform|/ ?\d{2,3}|\* ?\d|min|max|whiten|preprocess|to_tensor|ToTensor|clip"
)
# Where statistics are taken: for data whose way to the network is not followed.
_STATISTICS = re.compile(r"fit_transform\(|\.fit\(|\.std\(|\.var\(|normali[sz]e\(|standardi[sz]e\(|\bzscore")


# A grid to draw a function has so many axes.
MOST_OF_A_GRID = 3


@dataclass(frozen=True)
class Thresholds:
    """shift: deviations of the training data. stretch: ratio of deviations. chance: standard errors. exact: distance
    from 0 and 1 (float32 gives 1e-6). least_examples: of each part. still: ratio of deviations of what does not vary."""

    shift: float = 0.5
    stretch: float = 1.6
    chance: float = 6.0
    exact: float = 2e-3
    least_examples: int = 24
    still: float = 0.01


@dataclass(frozen=True, slots=True)
class Figures:
    """Per feature: mean and deviation over a part of the data, which has so many examples."""

    means: tuple[float, ...]
    stds: tuple[float, ...]
    examples: int


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Each evaluation set against the training inputs of the same model."""
    batches = Batches(run)
    passes = Passes(run)
    if not Training(run).plain:
        return
    for group in passes.groups:
        if group[0].label == "train" or any(each.used_gradient for each in group):
            continue
        if not group[0].label and not any(each.losses for each in group) and _few_features(passes.batches(group)):
            continue  # points to look at the function that was learnt, such as a grid
        seen = [batch for batch in passes.batches(group) if batch.position == 0 and _real(batch)]
        trained = [batch for batch in batches.of("training", "input", 0, group[0].model) if _real(batch)]
        if not seen or not trained or seen[0].shape[1:] != trained[0].shape[1:]:
            continue
        if set(seen[0].rows) & set(batches.rows):
            continue
        ours, theirs = _figures(trained[: max(1, batches.epoch)]), _figures(seen)
        if ours is None or theirs is None or min(ours.examples, theirs.examples) < limits.least_examples:
            continue
        finding = _judge(run, batches, group[0], seen[0], ours, theirs, limits)
        if finding is not None:
            yield finding
            return


def _few_features(seen: list[BatchSeen]) -> bool:
    return all(math.prod(batch.shape[1:]) <= MOST_OF_A_GRID for batch in seen)


def _real(batch: BatchSeen) -> bool:
    return "float" in batch.dtype and bool(batch.feature_means) and not batch.stats.get("nonfinite")


def _figures(seen: list[BatchSeen]) -> Figures | None:
    """Means and deviations over several batches, by the law of total variance."""
    width = len(seen[0].feature_means)
    seen = [batch for batch in seen if len(batch.feature_means) == width]
    total = sum(batch.shape[0] for batch in seen)
    if total == 0:
        return None
    means, stds = [], []
    for at in range(width):
        mean = sum(batch.feature_means[at] * batch.shape[0] for batch in seen) / total
        square = sum((batch.feature_stds[at] ** 2 + batch.feature_means[at] ** 2) * batch.shape[0] for batch in seen)
        means.append(mean)
        stds.append(math.sqrt(max(0.0, square / total - mean**2)))
    return Figures(tuple(means), tuple(stds), total)


def _judge(
    run: Run,
    batches: Batches,
    each: EvaluationPass,
    first: BatchSeen,
    ours: Figures,
    theirs: Figures,
    limits: Thresholds,
) -> Finding | None:
    scale = median([std for std in ours.stds if std > 0])
    floor = 0.05 * scale if scale > 0 else 1e-12
    varying = [at for at, std in enumerate(ours.stds) if std > floor]
    if not varying or len(varying) < 0.2 * len(ours.stds):
        return None
    shift = median([abs(theirs.means[at] - ours.means[at]) / ours.stds[at] for at in varying])
    stretch = median([theirs.stds[at] / ours.stds[at] for at in varying])
    error = math.sqrt(1 / ours.examples + 1 / theirs.examples)
    evidence: dict[str, float | str] = {
        "shift_of_means": shift,
        "ratio_of_deviations": stretch,
        "training_examples": ours.examples,
        "evaluation_examples": theirs.examples,
        "label": each.label,
    }
    label = {"val": "Validation", "test": "Test"}.get(each.label, "Evaluation")
    if stretch < limits.still:
        return None  # the same point again and again: a probe, no data
    ratio = max(stretch, 1 / stretch)
    if ratio > limits.stretch + limits.chance * error or (shift > limits.shift and shift > limits.chance * error):
        message = (
            f"{label} inputs are {decimal(shift, 2)} deviations away from the training inputs and vary {decimal(stretch, 2)} times as "
            "much (medians over features)."
        )
        confidence = 0.93 if ratio > 3 or shift > 2 else 0.85
        return _finding(run, batches, each, first, message, evidence, confidence)
    if _own(ours, varying, limits) and _own(theirs, varying, limits) and error > 10 * limits.exact:
        message = (
            f"{label} inputs were standardised with statistics of their own: their means are 0 and their deviations 1 "
            "to the last digit, as those of the training inputs are."
        )
        return _finding(run, batches, each, first, message, evidence, 0.9)
    return None


def _own(figures: Figures, varying: list[int], limits: Thresholds) -> bool:
    """Means of 0 and deviations of 1 (or sqrt(1 - 1/n)) that no sample has by chance."""
    return all(
        abs(figures.means[at]) < limits.exact and abs(figures.stds[at] - 1) < limits.exact + 1.0 / figures.examples
        for at in varying
    )


def _finding(
    run: Run,
    batches: Batches,
    each: EvaluationPass,
    first: BatchSeen,
    message: str,
    evidence: dict[str, float | str],
    confidence: float,
) -> Finding:
    ways = [*batches.lineage(first), *batches.lineage(batches.inputs[0])]
    scaling = [place for place in ways if _SCALING.search(run.line(place))] or batches.mentioning(_STATISTICS)
    places: tuple[Place, ...] = distinct([*scaling[:5], each.where])
    remedy = "Take the statistics from the training data and apply the same preparation to all parts."
    return Finding(NAME, "error", message, places, {**evidence}, remedy, EXPLAINS, confidence)
