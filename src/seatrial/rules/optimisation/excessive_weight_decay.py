"""The penalty on the weights outweighs the data term, and weights shrink away.

## What it finds
A weight decay, or a penalty that the program adds to its loss, under which weights become a small part of what they
were, while the loss stays high; and a weight decay that takes away a good part of the weights in every step.

## Why it harms
The decay pulls all weights to zero harder than the data hold them. The network ends as a constant.

## How it is recognised
Norms of the weight matrices over the looks, beside the decay of their group: the share that the decay alone takes
away over all steps has to explain the shrinking, and the loss has to be no better than at the start. A penalty is a summand
of the loss that depends on nothing but parameters: in the recorded steps it has to begin as a sizeable part of the loss,
the weights under it have to vanish, and the rest of the loss has to stay. What a single step takes away is the rate times the
decay, where neither Adam nor Adagrad rescale it; where the rate is farther from what is usual than the decay, the rate is at fault.

## What it cannot see
A penalty on activations, or on the rows of an embedding that a batch asks for: it looks like any other loss.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x @ torch.randn(20, 4)).argmax(1)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.4)
for epoch in range(15):
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
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4)
for epoch in range(15):
    for rows in torch.randperm(512).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`shrunk`: last norm of the weights over the first. `taken`: exponent of what decay alone takes (rate x decay x steps).
`unmoved`: last loss over the first. `most_decay`: share of the weights taken away in a step. `usual_decay`: of the decay
itself. `share`: of a penalty in the first loss; `stays`: of the rest of the loss in what it began with.

## References
I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization", 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, OptimizerBuilt
from seatrial.findings import Edit, Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules import where
from seatrial.rules.graph import Graph
from seatrial.rules.losses import penalties
from seatrial.rules.series import finite, median
from seatrial.rules.source import origin
from seatrial.rules.training import Training, blocks
from seatrial.rules.where import distinct

NAME = "optimisation.excessive-weight-decay"
EXPLAINS = (
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.vanishing-gradient",
    "optimisation.update-ratio-off",
    "model.constant-output",
    "model.dead-units",
)


@dataclass(frozen=True)
class Thresholds:
    """shrunk: ratio of norms. taken: exponent, without unit. unmoved and stays: ratios of losses. strong and usual_decay:
    decay per unit of rate (1e-4 to 1e-1 is usual). most_decay: share of the weights per step. share: of the loss (0..1)."""

    shrunk: float = 0.3
    taken: float = 1.0
    unmoved: float = 0.9
    strong: float = 0.02
    most_decay: float = 0.05
    usual_decay: float = 0.1
    share: float = 0.1
    stays: float = 0.75


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Weights that decay away while the loss stays where it was, and decays that leave nothing."""
    training = Training(run)
    found = [found for each in run.optimizers.values() if (found := _in_a_step(training, each, limits)) is not None]
    yield from found
    if not found and (finding := _by_decay(training, limits) or _by_penalty(training, limits)) is not None:
        yield finding


def _in_a_step(training: Training, optimizer: OptimizerBuilt, limits: Thresholds) -> Finding | None:
    """A group from which every step takes a good part of the weights, by its settings alone."""
    usual_rate = 0.1 if optimizer.type == "SGD" else 0.01
    for number, group in enumerate(optimizer.groups):
        decay = group.settings.get("weight_decay")
        rate = max(finite(training.setting("lr", number, optimizer).values), default=0.0)
        plain = optimizer.type in ("AdamW", "SGD", "RMSprop") or bool(group.settings.get("decoupled_weight_decay"))
        if not plain or not group.parameters or not isinstance(decay, (int, float)):
            continue
        if decay * rate < limits.most_decay or decay / limits.usual_decay < rate / usual_rate:
            continue
        return Finding(
            NAME,
            "error",
            f"With a weight decay of {decimal(decay)} {optimizer.type} takes away {percent(decay * rate)} of the weights in each step.",
            distinct([*origin(training.run, optimizer.where, "weight_decay"), optimizer.where]),
            {"weight_decay": decay, "learning_rate": rate, "share_of_a_step": decay * rate, "group": number},
            "Take the decay away, fit the training data, then bring it back at 1e-4 to 1e-2.",
            (*EXPLAINS, "optimisation.learning-rate-too-low"),
            0.9,
        )
    return None


def _by_decay(training: Training, limits: Thresholds) -> Finding | None:
    """Weights that the decay of the optimizer has shrunk."""
    decay = max(finite(training.setting("weight_decay").values), default=0.0)
    rates = finite(training.setting("lr").values)
    if not training.supervised or decay < limits.strong or not rates or len(training.looks) < 4:
        return None
    ended = training.run.ended
    steps = ended.optimizer_steps if ended is not None else len(training.values)
    shrunk = _shrunk(training, training.matrices)
    parts = blocks(training.values)
    if len(parts) < 6 or not shrunk <= limits.shrunk or parts[0] <= 0:
        return None
    start, end = median(training.values[:5]), median(parts[-3:])
    coupled = training.optimizer is not None and training.optimizer.type == "Adam"
    if end < limits.unmoved * start or (decay * median(rates) * steps < limits.taken and not coupled):
        return None
    at = training.optimizer.where if training.optimizer is not None else None
    return Finding(
        NAME,
        "error",
        f"With a weight decay of {decimal(decay)} the weights have shrunk to {percent(shrunk)} of what they were, and the loss is "
        f"{decimal(end, 3)} after {decimal(start, 3)}.",
        distinct([*origin(training.run, at, "weight_decay"), at]),
        {"weight_decay": decay, "norm_ratio": shrunk, "first_loss": start, "last_loss": end},
        "Take the decay away, fit the training data, then bring it back at 1e-4 to 1e-2.",
        EXPLAINS,
        0.9,
    )


def _by_penalty(training: Training, limits: Thresholds) -> Finding | None:
    """Weights that a penalty in the loss has shrunk."""
    graphs = training.graphs
    if not training.plain or len(graphs) < 6 or len(training.looks) < 4:
        return None
    begun, nodes = _penalty(graphs[0])
    data = graphs[0].seen.value - begun
    rest = median([graph.seen.value - _penalty(graph)[0] for graph in graphs[-3:]])
    reached = {graphs[0].node(at).parameter for node in nodes for at in graphs[0].upstream(node)}
    shrunk = _shrunk(training, {at for at in reached if at in training.infos and len(training.infos[at].shape) > 1})
    if not (data > 0 and begun > limits.share * data) or not shrunk <= limits.shrunk or rest < limits.stays * data:
        return None
    return Finding(
        NAME,
        "error",
        f"The penalty on the weights begins at {decimal(begun, 3)} beside a loss of {decimal(data, 3)}: the weights have shrunk to "
        f"{percent(shrunk)} of what they were, and the rest of the loss is {decimal(rest, 3)} at the end.",
        where.lines(training.run, *nodes, callers=True),
        {"penalty": begun, "first_loss": data, "last_loss": rest, "norm_ratio": shrunk},
        "Take the penalty away, fit the training data, then bring it back small: by its mean, not its sum.",
        EXPLAINS,
        0.9,
    )


def _penalty(graph: Graph) -> tuple[float, list[Node]]:
    """What the summands of the loss that depend on parameters alone add to it, and these."""
    found = penalties(graph)
    return sum(factor * node.stats.get("mean", 0.0) for node, factor in found), [node for node, _ in found]


def _shrunk(training: Training, numbers: set[int]) -> float:
    """The median over some parameters of their norm at the last look over that at the start; 1 where there are none."""
    look = training.looks[-1]
    last = dict(zip(look.parameters, look.weight_norm, strict=True))
    first = {number: training.infos[number].stats.get("norm", 0.0) for number in numbers}
    ratios = [last[number] / norm for number, norm in first.items() if number in last and norm > 0]
    return median(ratios) if ratios else 1.0


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """No decay at all, and no penalty."""
    nodes = _penalty(graph)[1] if "penalty" in finding.evidence else []
    edits = tuple(Edit(node.index, "scale", 0.0) for node in nodes if not node.role)
    return Mend("no penalty" if edits else "no weight decay", edits, settings=(("weight_decay", 0.0),))
