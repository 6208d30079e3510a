"""model.small-batch-normalisation: batch normalisation over so few values that its statistics are noise.

## What it finds
A batch normalisation layer in training mode that sees one, two or a handful of values per channel.

## Why it harms
Mean and variance of a few values are mostly chance: with two values per channel the result is always -1 and 1,
whatever the values were. The running averages, used later, do not fit what training saw.

## How it is recognised
In the recorded training steps: the input's number of values per channel (examples times positions) of each batch
normalisation that uses batch statistics, in every recorded step.

## What it cannot see
Whether many positions of one image stand for many examples; only few examples with few positions are named.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(128, 8)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for rows in torch.randperm(128).split(2):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    loss.backward()
    optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(128, 8)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for rows in torch.randperm(128).split(2):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    loss.backward()
    optimizer.step()
```

## Thresholds
The relative error of a standard deviation from n values is 1 / sqrt(2 (n - 1)): 27 % at 8 values, 18 % at 16.

## References
Ioffe, *Batch Renormalization* (2017). Wu and He, *Group Normalization* (2018), figure 1: the error rises from 4
examples a batch downwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from seatrial.events import Node, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import source, where
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import shape

NAME = "model.small-batch-normalisation"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """values: per channel, up to which the statistics are noise (the standard deviation is off by a third).
    pair_values: the same for batches of one or two examples, whose positions are not independent of each other.
    graphs: recorded steps in which it holds; a single one may be the rest of an epoch."""

    values: int = 6
    pair_values: int = 64
    graphs: int = 2


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    few: dict[str, list[tuple[Node, int, int]]] = {}
    enough: set[str] = set()
    for graph in map(Graph, run.training_graphs):
        for node in graph.calls("batch_norm"):
            counted = statistics_over(graph, node)
            if counted is None:
                continue
            examples, values = counted
            if values <= (limits.pair_values if examples <= 2 else limits.values):
                few.setdefault(node.module, []).append((node, examples, values))
            else:
                enough.add(node.module)
    found = [entries for module, entries in few.items() if module not in enough and len(entries) >= limits.graphs]
    if found:
        yield _finding(run, [entries[0] for entries in found])


def statistics_over(graph: Graph, node: Node) -> tuple[int, int] | None:
    """Examples, and values per channel, of a batch normalisation that uses statistics of the batch."""
    inner = graph.source(node, 0, "input")
    training = graph.argument(node, 5, "training", False)
    if inner is None or len(shape(inner)) < 2 or training is not True:
        return None
    return shape(inner)[0], shape(inner)[0] * prod(shape(inner)[2:])


def _finding(run: Run, found: list[tuple[Node, int, int]]) -> Finding:
    _, examples, values = min(found, key=lambda entry: entry[2])
    message = (
        f"Batch normalisation takes its statistics over {values} values per channel ({examples} examples a batch), "
        f"in {len(found)} layer{'s' if len(found) > 1 else ''}."
    )
    evidence = {"values_per_channel": values, "examples": examples, "layers": len(found)}
    layers = [entry[0] for entry in found]
    built = [module.where for layer in layers if (module := where.module_of(run, layer)) is not None]
    places = [*_batch_sizes(run, examples), *built[:2], *where.lines(run, *layers)]
    remedy = "Use larger batches, or a normalisation that does not look at the batch (GroupNorm, LayerNorm)."
    explains = ("optimisation.noisy-loss", "optimisation.loss-not-decreasing")
    return Finding(NAME, "warning", message, where.distinct(places)[:4], dict(evidence), remedy, explains, 0.85)


def _batch_sizes(run: Run, examples: int) -> list[Place]:
    """Where the batch size of the loader that drew these batches is set."""
    loaders = [loader for loader in run.loaders.values() if loader.batch_size == examples]
    return [place for loader in loaders[:1] for place in source.origin(run, loader.where, "batch_size")][:2]
