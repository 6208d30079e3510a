"""model.unregistered-parameters: trainable tensors in the forward pass that the model does not know.

## What it finds
Layers kept in a plain Python list or dictionary, plain tensors with `requires_grad=True` as attributes, and layers
that are made anew in every forward pass.

## Why it harms
`model.parameters()` does not list them: the optimizer never updates them, `to`, `state_dict` and `zero_grad` pass
them over. The network runs on with random weights that never learn.

## How it is recognised
A leaf of the recorded step that asks for gradients, meets activations as a weight inside of a model's forward pass,
and is neither among the parameters of any model nor in an optimizer. Layers made anew show as weights that are
other objects at the same line in each recorded step.

## What it cannot see
Unregistered tensors that do not ask for gradients: they look like constants.

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
        self.layers = [nn.Linear(8, 16), nn.Linear(16, 16)]
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
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
        self.layers = nn.ModuleList([nn.Linear(8, 16), nn.Linear(16, 16)])
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
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
None: what is said follows from the recorded steps.

## References
PyTorch documentation, *torch.nn.ModuleList*.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from seatrial.events import ModelSeen, Node, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import where
from seatrial.rules.graph import SHAPE_OPS, WEIGHT_OPS, Graph
from seatrial.rules.parameters import Parameters
from seatrial.rules.patterns import wants_gradient
from seatrial.rules.scales import FILLS
from seatrial.rules.source import files_of
from seatrial.rules.syntax import File, tail

NAME = "model.unregistered-parameters"
# Calls that take weights beside those of WEIGHT_OPS; arguments from 1 on.
TAKING_WEIGHTS = WEIGHT_OPS | {"batch_norm", "layer_norm", "group_norm", "prelu", "add", "mul"}
# Calls by which a layer that is made in the forward pass fills its weights on the way.
FILLED = frozenset(name.removesuffix("_") for name in FILLS) - {"mul", "copy"}
CONTAINERS = (ast.List, ast.Tuple, ast.Dict, ast.ListComp, ast.DictComp)
EXPLAINS = (
    "model.unused-parameters",
    "model.random-evaluation",
    "loop.parameters-not-optimised",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
)


def check(run: Run, _: None) -> Iterator[Finding]:
    known = Parameters(run)
    registered = {info.parameter for model in run.every(ModelSeen) for info in model.parameters}
    strangers: dict[int, tuple[Node, Node]] = {}
    for graph in known.graphs:
        for leaf in graph.leaves("parameter"):
            if leaf.parameter in registered or leaf.parameter in known.optimised or not wants_gradient(leaf):
                continue
            call = meets_activations(graph, leaf)
            if call is not None and not _swapped_in(run, call):
                strangers.setdefault(leaf.parameter, (leaf, call))
    if strangers:
        yield _finding(run, list(strangers.values()), len(known.graphs))


def meets_activations(graph: Graph, leaf: Node) -> Node | None:
    """The call inside of a model's forward pass that takes a leaf as a weight."""
    todo = [leaf]
    while todo:
        node = todo.pop()
        for consumer in graph.consumers(node):
            first = graph.argument(consumer, 0, "input")
            is_first = getattr(first, "node", -1) == node.index
            if consumer.op in SHAPE_OPS | FILLED and consumer.module:
                todo.append(consumer)
            elif consumer.op in TAKING_WEIGHTS and consumer.module and _other_activation(graph, consumer, node):
                if consumer.op not in WEIGHT_OPS or not is_first or consumer.op in ("matmul", "mm", "bmm", "einsum"):
                    return consumer
                return consumer if consumer.op == "embedding" else None
    return None


def _other_activation(graph: Graph, call: Node, weight: Node) -> bool:
    return any(source.index != weight.index and source.role != "parameter" for source in graph.inputs(call))


def _swapped_in(run: Run, call: Node) -> bool:
    """Whether the call's module owns parameters itself: then others were put in their place on purpose
    (functional_call, fast weights)."""
    module = where.module_of(run, call)
    if module is None or call.module_type in ("", *(model.type for model in run.models.values())):
        return False
    return (
        any(
            info.path.rpartition(".")[0] == module.path and not info.is_buffer
            for model in run.models.values()
            for info in model.parameters
        )
        and call.where is None
    )


def _finding(run: Run, strangers: list[tuple[Node, Node]], graphs: int) -> Finding:
    calls = [call for _, call in strangers]
    lines = {call.where.line for call in calls if call.where is not None}
    anew = graphs > 1 and len(strangers) >= graphs * max(1, len(lines))
    count = len({leaf.parameter for leaf, _ in strangers})
    what = "are made anew in each forward pass" if anew else "are in no model's parameters() and in no optimizer"
    message = f"{count} trainable tensors that the forward pass uses as weights {what}, so they never learn."
    shapes = [str(list(leaf.outputs[0].shape)) for leaf, _ in strangers[:6]]
    places = where.distinct([*containers(run), *(call.where for call in calls), *(leaf.where for leaf, _ in strangers)])
    remedy = "Construct layers in __init__ and keep them in nn.ModuleList, nn.ModuleDict or as nn.Parameter attributes."
    return Finding(NAME, "error", message, places[:4], {"shapes": shapes, "tensors": count}, remedy, EXPLAINS, 0.95)


def containers(run: Run) -> list[Place]:
    """Lines of constructors that put something called into a plain list or dictionary attribute: `self.layers =
    [...]`."""
    found: list[Place] = []
    for file in files_of(run):
        for name, bindings in file.attributes.items():
            for target, binding in bindings:
                function = file.function_around(target)
                if getattr(function, "name", "") != "__init__" or not isinstance(binding.value, CONTAINERS):
                    continue
                makes = [tail(part.func) for part in ast.walk(binding.value) if isinstance(part, ast.Call)]
                if any(made[:1].isupper() for made in makes) or _filled(file, name):
                    found.append(Place(file.name, target.lineno, "__init__"))
    return found


def _filled(file: File, name: str) -> bool:
    """Whether something is put into an attribute's container later: `self.layers.append(layer)`, `self.heads[task] =
    Linear(...)`."""
    for node in ast.walk(file.tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="append", value=held)) if tail(held) == name:
                return True
            case ast.Assign(targets=[ast.Subscript(value=held)], value=ast.Call(func=made)):
                if tail(held) == name and tail(made)[:1].isupper():
                    return True
            case _:
                pass
    return False
