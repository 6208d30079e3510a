"""model.random-evaluation: in evaluation mode the same input gives different outputs.

## What it finds
`F.dropout` without `training=self.training`, noise that is added in every forward pass, a random initial state.

## Why it harms
Validation and use are noisy and worse than the network is; two calls disagree.

## How it is recognised
In the recorded forward passes of a model in evaluation mode: dropout calls that are on, and random numbers, drawn
inside of the model, that are added to or multiplied with activations at a fixed scale, or start a recurrent state.
Noise that the network itself scales (variational models, noisy policies), that is the input (generators), or that
is drawn outside of the model is by design, and so is dropout where the program speaks of Monte Carlo or
uncertainty.

## What it cannot see
Random choices in Python that change which calls are made.

## Faulty
```python
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = F.dropout(x, 0.3)
        return self.out(x)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    model.train()
    for rows in torch.randperm(192).split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print((model(x[192:]).argmax(1) == y[192:]).float().mean().item())
```

## Fixed
```python
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 32)
        self.out = nn.Linear(32, 2)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = F.dropout(x, 0.3, training=self.training)
        return self.out(x)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    model.train()
    for rows in torch.randperm(192).split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print((model(x[192:]).argmax(1) == y[192:]).float().mean().item())
```

## Thresholds
None: what is said follows from the recorded passes.

## References
PyTorch documentation, *torch.nn.functional.dropout*: `training` is True unless given.
Gal and Ghahramani, *Dropout as a Bayesian Approximation* (2016), for dropout that stays on by design.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.events import Node
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import where
from seatrial.rules.graph import SHAPE_OPS, Graph
from seatrial.rules.patterns import DROPOUTS

NAME = "model.random-evaluation"
DRAWS = frozenset(
    "rand randn rand_like randn_like normal uniform bernoulli randint randint_like randperm "
    "multinomial exponential".split()
)
RECURRENT = frozenset(
    {"lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"}
)
# Calls through which a draw stays a draw of a fixed scale.
FIXED = SHAPE_OPS | frozenset(
    "mul div add sub rsub lt gt le ge floor sign neg where logical_not invert zeros_like".split()
)
BY_DESIGN = re.compile(r"monte.?carlo|mc.?dropout|mc_|bayes|uncertain|stochastic", re.IGNORECASE)


def check(run: Run, _: None) -> Iterator[Finding]:
    drawing: dict[tuple[str, int], tuple[Node, str]] = {}
    for graph in map(Graph, run.evaluation_graphs):
        if graph.seen.training:
            continue
        for node in graph:
            how = random_here(run, graph, node)
            if how:
                place = (node.where.file, node.where.line) if node.where else ("", node.index)
                drawing.setdefault(place, (node, how))
    if drawing:
        yield _finding(run, list(drawing.values()))


def random_here(run: Run, graph: Graph, node: Node) -> str:
    """What is random about a call in evaluation mode, in words; "" where nothing is, or by design."""
    if not node.module:
        return ""
    if node.op in DROPOUTS:
        return _dropout_on(run, graph, node)
    if node.op not in DRAWS or not (node.random or node.op in DRAWS) or node.index not in _leading(graph):
        return ""
    return _fixed_noise(graph, node)


def _leading(graph: Graph) -> set[int]:
    found = {ref.node for ref in graph.seen.outputs}
    for ref in graph.seen.outputs:
        found |= graph.upstream(graph.node(ref))
    return found


def _dropout_on(run: Run, graph: Graph, node: Node) -> str:
    rate = graph.argument(node, 1, "p", 0.5)
    on = graph.argument(node, 2, "training", True)
    registered = node.module_type.startswith(("Dropout", "AlphaDropout", "FeatureAlpha")) and not _unregistered(node)
    if on is not True or rate == 0 or registered:
        return ""
    asked = node.where is not None and re.search(r"training\s*=\s*True|,\s*True\s*\)", run.line(node.where))
    if asked and any(BY_DESIGN.search(text) for text in run.sources.values()):
        return ""
    return f"dropout of {rate} stays on"


def _unregistered(node: Node) -> bool:
    """Whether the module of a call is no part of the model (made anew in forward, kept in a list): `eval()` never
    reaches it."""
    return node.module.rpartition(".")[2].startswith("?")


def _fixed_noise(graph: Graph, draw: Node) -> str:
    """Follows a draw: noise at a fixed scale that meets activations by a sum or a product."""
    todo, seen = [draw], {draw.index}
    while todo:
        node = todo.pop()
        for consumer in graph.consumers(node):
            if consumer.op in RECURRENT:
                return "its initial state is drawn at random"
            others = [source for source in graph.inputs(consumer) if source.index not in seen]
            learned = [source for source in others if source.index in graph.depends_on_parameters]
            if consumer.op in ("mul", "add", "sub", "div", "where") and any(not _is_scale(other) for other in learned):
                return "" if _scaled_by_network(graph, node, consumer, learned) else f"`{draw.op}` is drawn anew"
            data = [source for source in others if source.role == "input"]
            if consumer.op in ("mul", "add", "sub") and data:
                return f"`{draw.op}` is drawn anew"
            if consumer.op in FIXED and consumer.index not in seen:
                seen.add(consumer.index)
                todo.append(consumer)
    return ""


def _is_scale(node: Node) -> bool:
    return node.role == "parameter" and len(node.outputs[0].shape) == 0


def _scaled_by_network(graph: Graph, noise: Node, meeting: Node, learned: list[Node]) -> bool:
    """Reparametrised noise: what multiplies it is a scale that the network computes (exp, softplus, sqrt of an
    output)."""
    if meeting.op != "mul":
        return False
    source = graph.back(learned[0])
    return source.op in ("exp", "softplus", "sqrt", "sigmoid", "pow", "clamp", "square", "exp2", "add") or bool(
        noise.op not in ("lt", "gt", "le", "ge", "bernoulli", "to", "float", "div") and source.role == "parameter"
    )


def _finding(run: Run, drawing: list[tuple[Node, str]]) -> Finding:
    node, how = drawing[0]
    message = f"In evaluation mode {how}, so the same input gives different outputs ({len(drawing)} lines)."
    remedy = (
        "Pass training=self.training to functional dropout, or use nn.Dropout."
        if node.op in DROPOUTS
        else "Draw only in training mode: `if self.training:`."
    )
    places = where.lines(run, *(each for each, _ in drawing))
    evidence = {"operations": [each.op for each, _ in drawing[:4]], "module": node.module}
    return Finding(NAME, "error", message, places[:4], dict(evidence), remedy, ("optimisation.underfitting",), 0.9)
