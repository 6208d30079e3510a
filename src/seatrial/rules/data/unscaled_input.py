"""Inputs are far from unit scale, or their features differ in scale by orders of magnitude.

## What it finds
What a layer with weights really receives: raw pixels from 0 to 255, incomes beside ages, readings in raw units.

## Why it harms
Initialisations and learning rates are made for inputs of about unit size. Inputs of size 100 make the first layer's
gradients 100 times too large; a feature that is a thousand times larger than the others is, at first, all that the
network sees.

## How it is recognised
In the step's graph the input is followed to the first layer with weights. Its values there count, so a model that
scales its inputs itself is left alone, and so is one that normalises right behind its first layer. Per feature, the
root mean square is compared.

## What it cannot see
Whether a feature on an unusual scale matters. Identifiers that are looked up in a table are no quantities and are not
judged.

## Faulty
```python
import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(0)
data = load_diabetes(scaled=False)
x = torch.tensor(data.data, dtype=torch.float32)
y = torch.tensor(data.target, dtype=torch.float32).unsqueeze(1) / 100
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
for epoch in range(10):
    for rows in torch.randperm(len(x)).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(0)
data = load_diabetes(scaled=False)
x = torch.tensor(data.data, dtype=torch.float32)
x = (x - x.mean(0)) / x.std(0)
y = torch.tensor(data.target, dtype=torch.float32).unsqueeze(1) / 100
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
for epoch in range(10):
    for rows in torch.randperm(len(x)).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`large` and `noteworthy`: root mean square of the inputs. `feature_ratio`: largest feature's over the median
feature's. `large_feature`: root mean square that the largest feature must have for that. `small`: root mean square
below which nothing gets through.

## References
Y. LeCun, L. Bottou, G. Orr and K. Müller, "Efficient BackProp", 1998, section 4.3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Edit, Finding, Mend, Severity
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.batches import Batches
from seatrial.rules.graph import SHAPE_OPS, Graph
from seatrial.rules.series import median
from seatrial.rules.training import Training

NAME = "data.unscaled-input"
EXPLAINS = (
    "optimisation.exploding-gradient",
    "optimisation.noisy-loss",
    "optimisation.loss-not-decreasing",
    "optimisation.update-ratio-off",
    "optimisation.underfitting",
    "optimisation.learning-rate-too-high",
    "optimisation.non-finite-loss",
    "model.bad-initial-scale",
    "model.initial-loss-off",
    "model.saturated-activations",
    "model.dead-units",
    "model.constant-output",
)
_LAYERS = frozenset(
    "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d lstm gru rnn_tanh rnn_relu lstm_cell "
    "gru_cell rnn_tanh_cell rnn_relu_cell addmm matmul mm".split()
)
_NORMS = frozenset("batch_norm layer_norm group_norm instance_norm rms_norm".split())


@dataclass(frozen=True)
class Thresholds:
    """Without unit, against inputs of unit size. large: 0-255 pixels have 100 to 150; noteworthy: counts from 0 to 16
    have 7; feature_ratio: largest over median feature; small: pixels divided by 255 twice have 0.002."""

    large: float = 25.0
    noteworthy: float = 5.0
    feature_ratio: float = 40.0
    large_feature: float = 20.0
    small: float = 4e-3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """The first layers that take an input as it comes."""
    training = Training(run)
    for graph in training.graphs[:1]:
        for layer, fed in _first_layers(graph):
            finding = _judge(run, training, layer, fed, limits)
            if finding is not None:
                yield finding
                return


def _first_layers(graph: Graph) -> Iterator[tuple[Node, Node]]:
    """Layers whose input is a leaf (only moved and reshaped), with the node that they receive."""
    for node in graph:
        if node.op not in _LAYERS or node.index not in graph.differentiable:
            continue
        fed = graph.source(node, 0, "input")
        if fed is None or graph.back(fed).role != "input" or fed.outputs[0].requires_grad:
            continue
        weighed = any(source.role == "parameter" for source in map(graph.back, graph.inputs(node)[1:]))
        if weighed and not _normalised_behind(graph, node):
            yield node, fed


def _normalised_behind(graph: Graph, layer: Node) -> bool:
    """Whether a normalisation follows the layer directly: scale does not matter then."""
    todo = graph.consumers(layer)
    for _ in range(6):
        if any(node.op in _NORMS for node in todo):
            return True
        todo = [after for node in todo if node.op in SHAPE_OPS for after in graph.consumers(node)]
    return False


def _judge(run: Run, training: Training, layer: Node, fed: Node, limits: Thresholds) -> Finding | None:
    mean, std = fed.stats.get("mean", math.nan), fed.stats.get("std", math.nan)
    size = math.hypot(mean, std)
    if not math.isfinite(size) or fed.stats.get("nonfinite"):
        return None
    low, high = fed.stats.get("min", math.nan), fed.stats.get("max", math.nan)
    span = f"from {decimal(low)} to {decimal(high)}, root mean square {decimal(size, 3)}"
    features = _feature_sizes(run, fed)
    evidence: dict[str, float | str] = {"min": low, "max": high, "mean": mean, "std": std, "layer": layer.op}
    if size >= limits.large:
        return _finding(run, "warning", f"Inputs reach the first layer unscaled: {span}.", evidence, 0.9)
    if features:
        largest, middle = max(features), median([each for each in features if each > 0])
        if largest >= limits.large_feature and middle > 0 and largest >= limits.feature_ratio * middle:
            evidence |= {"largest_feature": largest, "median_feature": middle}
            message = f"Features differ in scale: the largest has {decimal(largest, 3)}, the median one {decimal(middle, 3)} ({span})."
            return _finding(run, "warning", message, evidence, 0.85)
    if 0 < size <= limits.small:
        return _finding(run, "warning", f"Inputs reach the first layer at a tiny scale: {span}.", evidence, 0.8)
    if size >= limits.noteworthy:
        severity: Severity = "warning" if _harmed(training) else "note"
        return _finding(run, severity, f"Inputs reach the first layer unscaled: {span}.", evidence, 0.6)
    return None


def _feature_sizes(run: Run, fed: Node) -> list[float]:
    """Root mean squares of the features of a table (no images, no sequences: their features are of one kind)."""
    if len(fed.outputs[0].shape) != 2:
        return []
    for batch in Batches(run).inputs:
        if batch.shape == fed.outputs[0].shape and len(batch.feature_means) == batch.shape[1]:
            pairs = zip(batch.feature_means, batch.feature_stds, strict=True)
            return [math.hypot(mean, std) for mean, std in pairs]
    return []


def _harmed(training: Training) -> bool:
    """Whether the loss ended about where it began."""
    values = [value for value in training.values if math.isfinite(value)]
    tail = median(values[-max(3, len(values) // 20) :]) if values else math.nan
    return training.supervised and len(values) >= 50 and tail > 0.95 * median(values[:3])


def _finding(
    run: Run, severity: Severity, message: str, evidence: dict[str, float | str], confidence: float
) -> Finding:
    batches = Batches(run)
    first = next(iter(batches.inputs), None)
    remedy = "Standardise each feature with the mean and deviation of the training data (or divide pixels by 255)."
    where = batches.made(first) if first is not None else ()
    return Finding(NAME, severity, message, where, {**evidence}, remedy, EXPLAINS, confidence)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """All real inputs with mean 0 and standard deviation 1."""
    real = [leaf for leaf in graph.leaves("input") if leaf.outputs and "float" in leaf.outputs[0].dtype]
    return Mend("inputs standardised", tuple(Edit(leaf.index, "standardise") for leaf in real)) if real else None
