"""Training batches come in a fixed order that is sorted or blocked by class or target.

## What it finds
Batches that each hold only one or few classes (or targets from one end of their range), one after another in the same
order; also where examples are sorted by their length, and the target goes with it.

## Why it harms
Each batch pulls the network towards the class that it holds and lets it forget the ones before. The loss looks low,
since the next batch is like the last, and the network is bad at everything but what came last.

## How it is recognised
The classes of the targets of successive batches: how much do their shares differ between batches, compared with
batches drawn at random? Small batches are put together first. In addition the order has to be fixed: a sequential
sampler, the same batches in each epoch, or classes that come in one block each; and real targets have to rise or fall nearly all
the way, unless the inputs get longer (or shorter) all the way. Samplers that draw few classes a
batch on purpose draw them anew each time.

## What it cannot see
An order that is fixed, but not related to the target.

## Faulty
```python
import torch
from sklearn.datasets import load_iris
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
iris = load_iris()
x = torch.tensor(iris.data, dtype=torch.float32)
x = (x - x.mean(0)) / x.std(0)
y = torch.tensor(iris.target)
loader = DataLoader(TensorDataset(x, y), batch_size=10)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(10):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import torch
from sklearn.datasets import load_iris
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
iris = load_iris()
x = torch.tensor(iris.data, dtype=torch.float32)
x = (x - x.mean(0)) / x.std(0)
y = torch.tensor(iris.target)
loader = DataLoader(TensorDataset(x, y), batch_size=10, shuffle=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(10):
    for xb, yb in loader:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`blocked`: share of the variance of the target that lies between batches. `excess`: that share over the one of random
batches. `least_batches`, `window`: how much must be seen, and of how many examples a batch is made at least.

## References
Y. Bengio, "Practical Recommendations for Gradient-Based Training of Deep Architectures", 2012, section 3.1.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import BatchSeen, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules.batches import Batches
from seatrial.rules.frameworks import runs_the_loop
from seatrial.rules.source import loops_around, origin
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "data.unshuffled-training-data"
EXPLAINS = (
    "optimisation.noisy-loss",
    "optimisation.loss-not-decreasing",
    "optimisation.overfitting",
    "optimisation.underfitting",
    "optimisation.learning-rate-too-high",
    "data.preprocessing-mismatch",
    "data.class-imbalance",
)


@dataclass(frozen=True)
class Thresholds:
    """blocked: share (0..1) of the target's variance between batches; follows: the same where the examples are sorted by
    their length. excess: that share over the one expected of
    random batches (one over the batch size). least_batches: in an epoch. window: examples."""

    blocked: float = 0.35
    follows: float = 0.1
    excess: float = 4.0
    least_batches: int = 5
    window: int = 8


@dataclass(frozen=True, slots=True)
class Group:
    """Some successive batches: how many examples, counts of classes (or the mean and mean square of a real target)."""

    size: int
    counts: Counter[str]
    mean: float
    square: float


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Targets of successive training batches that differ more than chance lets them, in a fixed order."""
    batches = Batches(run)
    targets = [batch for batch in batches.targets if _one_an_example(batch)]
    epoch = [batch for batch in targets if batch.tick < batches.again]
    if len(epoch) < limits.least_batches or len(targets) < 0.9 * len(batches.targets) or _carries(run):
        return
    groups = _grouped(epoch, limits.window)
    if len(groups) < limits.least_batches:
        return
    by_class = all(group.counts for group in groups)
    share = _between_classes(groups) if by_class else _between_means(groups)
    typical = sum(group.size for group in groups) / len(groups)
    lengthening = _by_length(batches)
    if share < (limits.follows if lengthening else limits.blocked) or share < limits.excess / typical:
        return
    order = _order(batches, groups, by_class, lengthening)
    if order is None:
        return
    what = "classes" if by_class else "targets"
    random = 1 / typical
    yield Finding(
        NAME,
        "error" if by_class else "warning",
        f"Training batches are sorted by {what}: {percent(share)} of the variance of the targets lies between batches, where "
        f"random batches of {typical:.0f} have {percent(random)} ({order}).",
        _places(run, batches),
        {
            "share_between_batches": share,
            "expected": random,
            "batches": len(groups),
            "order": order,
        },
        "Shuffle the examples anew in each epoch: DataLoader(..., shuffle=True) or a fresh torch.randperm.",
        EXPLAINS,
        0.93 if by_class else 0.8,
    )


def _one_an_example(batch: BatchSeen) -> bool:
    wide = 1
    for size in batch.shape[1:]:
        wide *= size
    return len(batch.shape) >= 1 and batch.shape[0] >= 1 and wide == 1


def _carries(run: Run) -> bool:
    """A state that is carried from step to step asks for the order of time."""
    return any(node.role == "carried" for graph in Training(run).graphs for node in graph.leaves("carried"))


def _grouped(epoch: list[BatchSeen], window: int) -> list[Group]:
    """Batches, small ones put together with their successors."""
    groups: list[Group] = []
    part: list[BatchSeen] = []
    for batch in epoch:
        part.append(batch)
        if sum(each.shape[0] for each in part) >= window:
            groups.append(_group(part))
            part = []
    return groups


def _group(part: list[BatchSeen]) -> Group:
    size = sum(each.shape[0] for each in part)
    counts: Counter[str] = Counter()
    for each in part:
        counts.update(each.histogram)
    mean = sum(each.stats.get("mean", 0.0) * each.shape[0] for each in part) / size
    square = sum((each.stats.get("mean", 0.0) ** 2 + each.stats.get("std", 0.0) ** 2) * each.shape[0] for each in part)
    return Group(size, counts if sum(counts.values()) == size else Counter(), mean, square / size)


def _between_classes(groups: list[Group]) -> float:
    """Share of the variance of the classes' indicators that lies between groups (0 random, 1 one class a group)."""
    total = sum(group.size for group in groups)
    overall: Counter[str] = sum((group.counts for group in groups), Counter())
    whole = sum(count / total * (1 - count / total) for count in overall.values())
    if len(overall) < 2 or whole <= 0:
        return 0.0
    between = sum(
        group.size / total * (group.counts[name] / group.size - count / total) ** 2
        for group in groups
        for name, count in overall.items()
    )
    return between / whole


def _between_means(groups: list[Group]) -> float:
    total = sum(group.size for group in groups)
    mean = sum(group.mean * group.size for group in groups) / total
    whole = sum(group.square * group.size for group in groups) / total - mean**2
    between = sum((group.mean - mean) ** 2 * group.size for group in groups) / total
    return between / whole if whole > 1e-12 else 0.0


def _order(batches: Batches, groups: list[Group], by_class: bool, lengthening: bool) -> str | None:
    """What shows that the order is fixed; None where nothing does. Sorting by a real target must show as such."""
    if not by_class and not lengthening and not _monotone([group.mean for group in groups]):
        return None
    loader = batches.loader
    if loader is not None:
        told = "from the shortest to the longest example" if lengthening else "the loader is sequential"
        return told if loader[0].sampler == "SequentialSampler" else None
    epoch, inputs = batches.epoch, batches.inputs
    again = inputs[epoch : epoch + 3]
    if again and all(set(now.rows) == set(then.rows) for now, then in zip(again, inputs, strict=False)):
        return "each epoch brings the same batches"
    return "each class comes in one block" if by_class and _in_blocks(groups) else None


def _monotone(means: list[float]) -> bool:
    """Nearly all steps from group to group go the same way."""
    steps = [after - before for before, after in itertools.pairwise(means)]
    up = sum(step >= 0 for step in steps)
    return max(up, len(steps) - up) >= 0.9 * len(steps)


def _by_length(batches: Batches) -> bool:
    """Whether an axis of the inputs only grows, or only shrinks, over the first epoch: they are sorted by their length."""
    shapes = [batch.shape for batch in batches.inputs if batch.tick < batches.again]
    for axis in range(min((len(each) for each in shapes), default=0)):
        sizes = [each[axis] for each in shapes[:-1]]
        if len(set(sizes)) > 4 and sizes in (sorted(sizes), sorted(sizes, reverse=True)):
            return True
    return False


def _in_blocks(groups: list[Group]) -> bool:
    """The leading class of the groups changes about as often as there are classes."""
    leading = [group.counts.most_common(1)[0][0] for group in groups]
    changes = sum(before != after for before, after in itertools.pairwise(leading))
    return len(groups) >= 3 * len(set(leading)) and changes < 1.5 * len(set(leading))


def _places(run: Run, batches: Batches) -> tuple[Place, ...]:
    """The loader's line; else the loop that slices the data."""
    if batches.loader is not None:
        built = batches.loader[0].where
        handed = origin(run, built, "shuffle") if runs_the_loop(run, built) else ()
        return distinct([*handed, built, batches.loader[1].where])
    first = batches.inputs[0] if batches.inputs else batches.targets[0]
    use = next((place for place in (first.where, batches.targets[0].where) if place is not None), None)
    loops = [loop.place for loop in reversed(loops_around(run, use))] if use is not None else []
    return distinct([*loops[:1], use, *batches.made(first)[:3]])
