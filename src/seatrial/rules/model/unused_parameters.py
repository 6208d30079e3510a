"""model.unused-parameters: registered parameters never receive a gradient.

## What it finds
Layers that are constructed and handed to the optimizer, but that the forward pass does not use: a forgotten layer, a
layer called twice in the place of its neighbour, a branch that is never taken.

## Why it harms
The network is smaller than its author believes. Often another layer stands in for the forgotten one, and its
weights are shared without anybody wanting it.

## How it is recognised
By the end of the run the parameter never had a gradient, never changed and was in no recorded training step, while
other parameters of the same model learnt. Where the constructor made a neighbour of the same shape that is called
from two lines of one method, the second of these lines is named too.

## What it cannot see
Parameters that are used but get a gradient of exactly zero. A part that is used in another phase, which this run
did not reach, looks unused. A prototype layer that a container has copied, and unused members of a dictionary
(heads of tasks), are a note.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.second = nn.Linear(16, 16)
        self.third = nn.Linear(16, 16)
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x))
        x = torch.relu(self.second(x))
        return self.out(x)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
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
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.second = nn.Linear(16, 16)
        self.third = nn.Linear(16, 16)
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x))
        x = torch.relu(self.third(x))
        return self.out(x)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
A least number of optimizer steps, so that a part which joins later is not called unused.

## References
PyTorch documentation, *DistributedDataParallel*: `find_unused_parameters`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import ModelSeen, ParameterFate, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.model.detached_graph import conversions
from seatrial.rules.parameters import Parameters, listed, module_at
from seatrial.rules.uses import forward_uses
from seatrial.rules.where import distinct

NAME = "model.unused-parameters"
# Prototypes that these containers copy: the constructor's argument often stays an attribute of the user's module.
COPIED = {"TransformerEncoderLayer": "TransformerEncoder", "TransformerDecoderLayer": "TransformerDecoder"}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """steps: optimizer steps before "never" means something; below that a run is a trial of the code, not a
    training."""

    steps: int = 10


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    if run.ended is None or run.ended.optimizer_steps < limits.steps:
        return
    known = Parameters(run)
    unused: dict[tuple[int, str], list[ParameterFate]] = {}
    for fate in known.idle:
        owner = known.first.get(fate.parameter)
        if (
            owner is None
            or not math.prod(owner[1].shape)
            or fate.parameter in known.recorded
            or not fate.optimizers
            or conversions(run, known, fate)
        ):
            continue
        unused.setdefault((owner[0].model, _part(known, *owner[:1], fate)), []).append(fate)
    for (model, path), fates in unused.items():
        yield _finding(run, known, run.models[model], path, fates)


def _part(known: Parameters, model: ModelSeen, fate: ParameterFate) -> str:
    """The path of the largest module that holds this parameter and none that learnt (nor was frozen); buffers that stayed as
    they were do not count."""
    buffers = {info.path for info in model.parameters if info.is_buffer}
    learnt = [
        other.path
        for other in known.run.fates.values()
        if other.model == model.model and other not in known.idle and (other.changed or other.path not in buffers)
    ]
    parts = fate.path.split(".")
    for depth in range(1, len(parts)):
        prefix = ".".join(parts[:depth])
        if not any(path.startswith(prefix + ".") for path in learnt):
            return prefix
    return fate.path


def _finding(run: Run, known: Parameters, model: ModelSeen, path: str, fates: list[ParameterFate]) -> Finding:
    twice = called_twice(known, model, path)
    module = module_at(model, path)
    built = module.where if module is not None else known.built(fates[0].parameter)
    holder = module_at(model, path.rpartition(".")[0])
    owners = {holder.type} if holder is not None else {model.type}
    uses = [
        place
        for method, place in forward_uses(run, model, fates[0].path)
        if path.count(".") == 0 or method.owner in owners
    ]
    count = sum(_size(known, fate) for fate in fates)
    what = f"{module.type} `{path}`" if module is not None else f"parameter `{path}`"
    reason = " Another layer of the same kind is called twice instead." if twice else ""
    message = f"{what} ({count} weights) is in the optimizer but took no part in any training step.{reason}"
    severity = "note" if _meant(model, path) else "warning"
    return Finding(
        NAME,
        severity,
        message,
        distinct([*twice[:1], built, *uses[:1], *twice[1:]]),
        {"parameters": [fate.path for fate in fates], "weights": count, "of": listed([model.name or model.type])},
        "Use the layer in forward, or remove it.",
        ("optimisation.underfitting",),
        0.9,
    )


def _size(known: Parameters, fate: ParameterFate) -> int:
    count = 1
    for size in known.first[fate.parameter][1].shape:
        count *= size
    return count


def _meant(model: ModelSeen, path: str) -> bool:
    """Prototypes that a container has copied, and members of a dictionary of which others learn (heads of tasks)."""
    module = module_at(model, path)
    if module is not None and any(other.type == COPIED.get(module.type) for other in model.modules):
        return True
    parent = module_at(model, path.rpartition(".")[0])
    return parent is not None and parent.type in ("ModuleDict", "ParameterDict")


def called_twice(known: Parameters, model: ModelSeen, path: str) -> list[Place]:
    """Lines, later ones first, of one step that call a neighbour with the settings of the unused module more than
    once."""
    module = module_at(model, path)
    if module is None or not known.graphs:
        return []
    parent = path.rpartition(".")[0]
    twins = [
        f"{parent}.{other.path.rpartition('.')[2]}".lstrip(".")
        for other in model.modules
        if other.path != path
        and other.path.rpartition(".")[0] == parent
        and other.type == module.type
        and _sizes(model, other.path) == _sizes(model, path)
    ]
    return [place for twin in twins for place in _calls(known.graphs[0], twin)]


def _sizes(model: ModelSeen, path: str) -> list[tuple[int, ...]]:
    return [info.shape for info in model.parameters if info.path.startswith(path + ".") and not info.is_buffer]


def _calls(graph: Graph, twin: str) -> list[Place]:
    weight = next((leaf for leaf in graph.leaves("parameter") if leaf.name.endswith(f"{twin}.weight")), None)
    if weight is None:
        return []
    places = {node.where.line: node.where for node in graph.consumers(weight) if node.where is not None}
    return [places[line] for line in sorted(places, reverse=True)] if len(places) > 1 else []
