"""Some classes are so rare that the plain loss lets the network ignore them.

## What it finds
Training targets of which nearly all belong to one class, a loss without class weights, and batches that are drawn as
they come.

## Why it harms
A network that always answers with the common class has a low loss and a high accuracy, and gradients from the rare
class drown.

## How it is recognised
Targets of one pass through the training data are counted. The loss's arguments (`weight`, `pos_weight`), the sampler
and the source are looked through for what compensates: then nothing is said. Classes of pixels and words are commonly
uneven and told of only if the network ignores the rare one. A network ignores a class if late in training it never
answers with it, in batches that should hold some of it.

## What it cannot see
Whether the rare class matters to you, and thresholds that are tuned elsewhere.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(2000, 8)
y = (x.sum(1) + torch.randn(2000) > 6.3).long()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(4):
    for rows in torch.randperm(2000).split(50):
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
x = torch.randn(2000, 8)
y = (x.sum(1) + torch.randn(2000) > 6.3).long()
weight = len(y) / (2 * torch.bincount(y).float())
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for epoch in range(4):
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows], weight=weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`common`: share of the most common class. `rare`: share of the rarest. `least_examples`: how many targets must have
been counted. `alike`, `expected`: what counts as ignoring the rare class.

## References
M. Buda, A. Maki and M. Mazurowski, "A systematic study of the class imbalance problem in convolutional neural
networks", 2018.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import BatchSeen, Node, Place
from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules.batches import Batches
from seatrial.rules.training import CLASSIFICATION, Training
from seatrial.rules.where import distinct, lines

NAME = "data.class-imbalance"
EXPLAINS = ("model.constant-output", "optimisation.loss-not-decreasing")
# What compensates for the imbalance, and scores in which people who know of it watch its effect.
_COMPENSATES = re.compile(
    r"WeightedRandomSampler|pos_weight|class_weight|focal|\*\*\s*\(?(self\.)?gamma|oversampl|undersampl|resampl|smote|"
    r"[\"']balanced[\"']|balanced[_ ]?(sampl|batch|weight|class|loss)|threshold|weights?\s*=\s*\w*(class|freq)",
    re.IGNORECASE,
)
_WATCHES = re.compile(
    r"average_precision|roc_auc|auroc|\bauc\b|f1_score|precision_recall|recall|sensitivity|balanced[_ ]?acc|\biou\b|dice",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Thresholds:
    """common and rare: shares (0..1) of the training targets. least_examples: number of targets. alike: share (0..1) of
    late examples that get the common answer; expected: rare examples that must have been among them."""

    common: float = 0.9
    rare: float = 0.06
    least_examples: int = 200
    alike: float = 0.998
    expected: float = 4.0


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Uneven targets of a classification loss that does not weigh them."""
    training, batches = Training(run), Batches(run)
    loss = _loss(training)
    if loss is None:
        return
    counts = _counts(batches)
    total = sum(counts.values())
    if total < limits.least_examples or len(counts) < 2:
        return
    most, least = max(counts.values()) / total, min(counts.values()) / total
    if most < limits.common or least > limits.rare or _weighted(training, loss):
        return
    text = batches.text()
    known = not _one_an_example(batches.targets[0]) or _WATCHES.search(text)
    noted = _COMPENSATES.search(text) or (known and not _ignores_the_rarest(training, loss, least, limits))
    severity: Severity = "note" if noted or len(training.loss_ops) != 1 else "warning"
    rarest, commonest = min(counts, key=lambda name: counts[name]), max(counts, key=lambda name: counts[name])
    yield Finding(
        NAME,
        severity,
        f"Class {commonest} has {percent(most, 1)} of the training targets and class {rarest} {percent(least, 1)}, and {loss.op} weighs "
        "all examples alike.",
        _places(run, training, batches, loss),
        {"most_common_share": most, "rarest_share": least, "targets": total, "classes": len(counts)},
        "Weigh classes in the loss (weight, pos_weight) or draw them evenly (WeightedRandomSampler), and judge by more "
        "than accuracy.",
        EXPLAINS,
        0.8 if severity == "warning" else 0.5,
    )


def _loss(training: Training) -> Node | None:
    graph = next(iter(training.graphs), None)
    if graph is None or not training.plain:
        return None
    found = [node for node in graph.calls(*CLASSIFICATION) if node.index in graph.differentiable]
    return found[0] if len(found) == 1 else None


def _counts(batches: Batches) -> Counter[str]:
    """Counts of classes; of float targets that are 0 or 1, from their mean."""
    if batches.classes:
        return batches.classes
    counts: Counter[str] = Counter()
    for batch in batches.targets[: max(1, batches.epoch)]:
        if batch.stats.get("integers") != 1 or batch.stats.get("distinct", 9.0) > 2:
            return Counter()
        if batch.stats.get("min", -1.0) < 0 or batch.stats.get("max", 2.0) > 1:
            return Counter()
        size = math.prod(batch.shape)
        ones = round(batch.stats.get("mean", 0.0) * size)
        counts.update({"1": ones, "0": size - ones})
    return +counts


def _one_an_example(batch: BatchSeen) -> bool:
    return all(size == 1 for size in batch.shape[1:])


def _weighted(training: Training, loss: Node) -> bool:
    """Whether the loss has weights, or is taken example by example and weighed afterwards."""
    graph = training.graphs[0]
    if graph.source(loss, 2, "weight") is not None or loss.kwargs.get("pos_weight") is not None:
        return True
    return graph.argument(loss, 9, "reduction") == "none" or bool(loss.outputs and loss.outputs[0].shape)


def _ignores_the_rarest(training: Training, loss: Node, least: float, limits: Thresholds) -> bool:
    """Whether after the first quarter of training nearly all answers that were looked at are the same."""
    start = training.loss.ticks[len(training.loss) // 4]
    figure = "one_sided" if loss.op.startswith("binary") else "answered_alike"
    examples, alike = 0, 0.0
    for graph in training.graphs:
        if graph.seen.tick < start or not graph.seen.predictions:
            continue
        node = graph.node(graph.seen.predictions[-1])
        share = node.stats.get(figure, math.nan)
        if share == share and node.outputs and node.outputs[0].shape:
            shape = node.outputs[0].shape
            answers = math.prod(shape) // (shape[1] if figure == "answered_alike" else 1)
            examples += answers
            alike += share * answers
    return examples * least >= limits.expected and alike >= limits.alike * examples


def _places(run: Run, training: Training, batches: Batches, loss: Node) -> tuple[Place, ...]:
    loader = batches.loader
    return distinct([*lines(run, loss), loader[0].where if loader else None, training.backward])
