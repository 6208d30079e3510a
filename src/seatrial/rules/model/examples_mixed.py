"""model.examples-mixed: the output for one example depends on the other examples of its batch.

## What it finds
A recurrent or attention layer that runs along the batch instead of along time (a missing `batch_first=True`, a
missing transpose), statistics or a softmax over the batch axis, a `view` that cuts examples in two.

## Why it harms
An example's answer depends on its neighbours in the batch, which are others in every epoch and none in use. The
loss may still fall, for each example also sees itself.

## How it is recognised
Exactly, where the graph tells: the axis of the examples is followed from the data to recurrent and attention
layers, and is the one along which they run. Else by an experiment after the run: the step is replayed in evaluation
mode with one example changed, and the answers for others change; the line is that of the first call at which they
do. Both need to know that axis 0 counts examples: from a DataLoader's batch size, or one label an example.

## What it cannot see
Time-major data whose targets do not tell the axes apart. Graphs with an adjacency or a table of neighbours, in-batch similarities and
mini-batch statistics that are appended as a feature mix examples on purpose and are passed over.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(320, 6, 4)
y = (x.sum((1, 2)) > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 16)
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(320).split(32):
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
x = torch.randn(320, 6, 4)
y = (x.sum((1, 2)) > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(4, 16, batch_first=True)
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(320).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
The share of the other examples whose answer changed, above which an experiment counts.

## References
Karpathy, *A Recipe for Training Neural Networks*, "use backprop to chart dependencies".
PyTorch documentation, *torch.nn.LSTM*: `batch_first`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, Probe
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import percent
from seatrial.rules import where
from seatrial.rules.axes import batch_size, example_axes
from seatrial.rules.graph import Graph, references
from seatrial.rules.patterns import integral, shape

NAME = "model.examples-mixed"
RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})
# Calls that pass messages along the edges of a graph: mixing is what they are for.
MESSAGES = frozenset(
    "index_add scatter_add scatter scatter_reduce index_reduce index_select gather segment_reduce spmm sparse_mm "
    "cdist cosine_similarity topk sort argsort".split()
)
EXPLAINS = (
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.overfitting",
    "model.constant-output",
    "model.input-ignored",
)
REMEDY = (
    "Put the examples on the axis that the layer treats as the batch: batch_first=True, a transpose, or another dim."
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """share: of the other examples whose answer changed, 0..1; one neighbour in a large batch is enough to be
    wrong, but rounding in one row is not. smallest: examples in a batch below which axes cannot be told apart."""

    share: float = 0.02
    smallest: int = 3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    for graph in map(Graph, run.training_graphs):
        size = batch_size(run, graph)
        if size is None or size < limits.smallest:
            continue
        mixing = layers_along(graph, size)
        if mixing:
            yield _from_graph(run, graph, mixing, size)
            return
    for probe in run.probes("mixing"):
        finding = _from_probe(run, probe, limits)
        if finding is not None:
            yield finding
            return


def layers_along(graph: Graph, size: int) -> list[Node]:
    """Recurrent and attention calls that run along the axis of the examples."""
    axes = example_axes(graph, size)
    found: list[Node] = []
    for node in graph:
        source = graph.source(node, 0, "input") or graph.source(node, 0, "query")
        if source is None or source.index not in axes or len(shape(source)) < 3:
            continue
        axis = axes[source.index]
        runs_along = running_axis(graph, node, source)
        others = [length for place, length in enumerate(shape(source)[:-1]) if place != runs_along]
        if axis == runs_along and (node.op in RECURRENT or max(others) > 1):
            found.append(node)
    return found


def running_axis(graph: Graph, node: Node, source: Node) -> int | None:
    """The axis along which a layer lets positions see each other, or None for other calls."""
    if node.op in RECURRENT:
        packed = not isinstance(graph.argument(node, 1 if node.op == "lstm" else 2, ""), tuple)
        return None if packed else int(bool(graph.argument(node, 8, "batch_first", False)))
    if node.op == "multi_head_attention_forward":
        return 0
    if node.op == "scaled_dot_product_attention":
        return len(shape(source)) - 2
    return None


def _from_graph(run: Run, graph: Graph, mixing: list[Node], size: int) -> Finding:
    node = mixing[0]
    source = graph.inputs(node)[0]
    what = node.module_type or node.op
    message = (
        f"{what} runs along the axis of the {size} examples of the batch: its input is "
        f"{list(shape(source))}, so each example's answer depends on the others."
    )
    evidence = {"input_shape": [float(length) for length in shape(source)], "batch_size": size}
    places = where.lines(run, *mixing)
    return Finding(NAME, "error", message, places[:4], dict(evidence), REMEDY, EXPLAINS, 0.95)


def _from_probe(run: Run, probe: Probe, limits: Thresholds) -> Finding | None:
    graph = next((Graph(g) for g in run.graphs if g.tick == probe.tick and g.call == probe.call), None)
    if probe.share < limits.share or probe.node < 0 or graph is None:
        return None
    size = batch_size(run, graph)
    if size is None or size < limits.smallest or meant(graph, graph.node(probe.node), size):
        return None
    node = graph.node(probe.node)
    message = (
        f"In evaluation mode, changing one example changes the answers for {percent(probe.share)} of the others in its batch; "
        f"the first call at which they meet is `{node.op}`."
    )
    evidence = {"share": probe.share, "operation": node.op, "batch_size": size}
    return Finding(
        NAME, "error", message, where.lines(run, node, callers=True)[:3], dict(evidence), REMEDY, EXPLAINS, 0.85
    )


def meant(graph: Graph, node: Node, size: int) -> bool:
    """Whether examples are mixed on purpose: messages along edges, similarities of all with all, statistics of the
    batch that are appended as a feature."""
    if (
        node.op in MESSAGES
        or _gathers(graph, node)
        or any(_adjacency(graph, source, size) for source in graph.inputs(node))
    ):
        return True
    if any(shape(graph.node(ref)).count(size) > 1 for ref in graph.seen.predictions) or shape(node).count(size) > 1:
        return True
    return any(graph.node(index).op in ("expand", "repeat") for index in _next(graph, node)) and any(
        graph.node(index).op == "cat" for index in graph.downstream(node)
    )


def _gathers(graph: Graph, node: Node) -> bool:
    """Rows picked by numbers that the data give, as a table of neighbours does; not by numbers drawn at random."""
    given = node.args[1:] if node.op in ("getitem", "embedding", "take_along_dim") else ()
    picks = [graph.node(ref) for ref in references(tuple(given))]
    picks = [pick for pick in picks if integral(pick)]
    return bool(picks) and not any(
        graph.node(at).random for pick in picks for at in (pick.index, *graph.upstream(pick))
    )


def _adjacency(graph: Graph, source: Node, size: int) -> bool:
    return source.index not in graph.depends_on_parameters and shape(source).count(size) > 1


def _next(graph: Graph, node: Node) -> set[int]:
    return graph.downstream(node, stop=lambda later: later.op in ("cat", "linear", "conv2d"))
