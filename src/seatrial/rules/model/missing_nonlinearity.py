"""Linear layers follow each other with nothing non-linear between them.

## What it finds
Two layers (linear, convolution, product with a weight matrix) between which only linear calls stand: reshapes, dropout, batch
normalisation, average pooling, scaling by numbers.

## Why it harms
Two linear maps in a row are one linear map: the second layer adds parameters but no functions that the network could not compute
before. A network of linear layers alone can only draw straight boundaries.

## How it is recognised
The graph is walked back from each layer's input. Left alone are layers between which the width shrinks to less than at both ends
(low rank, bottlenecks, latent codes), depthwise and grouped convolutions with their pointwise partner, strided transposed convolutions
used to enlarge, results that are used elsewhere too, outputs of a whole model or of a part that the program also calls by itself, products of activations (attention).

## What it cannot see
Layers inside of compiled or scripted modules.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 2)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
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
x = torch.randn(256, 2)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
None: what is found is exact.

## References
Goodfellow, Bengio, Courville, Deep Learning, 2016, section 6.1 (why a hidden layer needs a non-linear function).
"""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.events import ModelSeen, Node
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.graph import SHAPE_OPS, Graph
from seatrial.rules.patterns import DROPOUTS, operands, scalar_operand, shape, wants_gradient
from seatrial.rules.where import lines, made_at

NAME = "model.missing-nonlinearity"
EXPLAINS = (
    "model.constant-output",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.cannot-overfit-subset",
)
_CONVOLUTIONS = frozenset(["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"])
_PRODUCTS = frozenset(["matmul", "mm", "addmm", "rmatmul"])
_LINEAR_CALLS = (
    (SHAPE_OPS - {"cat", "stack"})
    | DROPOUTS
    | frozenset(
        [
            "batch_norm",
            "pad",
            "avg_pool1d",
            "avg_pool2d",
            "avg_pool3d",
            "adaptive_avg_pool1d",
            "adaptive_avg_pool2d",
            "adaptive_avg_pool3d",
            "mean",
            "sum",
            "neg",
            "interpolate",
            "upsample",
        ]
    )
)


def check(run: Run, limits: None) -> Iterator[Finding]:
    """Pairs of layers with nothing non-linear between, once for each pair of lines; the longest row is told first."""
    pairs: dict[object, tuple[Graph, Node, Node]] = {}
    broken: set[object] = set()
    for seen in run.training_graphs:
        graph = Graph(seen)
        outputs = {_before_shape(graph, graph.node(ref)) for ref in seen.predictions}
        for second in graph:
            if not _is_layer(graph, second) or second.index not in graph.differentiable:
                continue
            first = _linear_predecessor(graph, second, outputs)
            key = (second.where, second.module)
            if first is not None and not (_legitimate(graph, first, second) or _apart(run, graph, first, second)):
                pairs.setdefault(key, (graph, first, second))
            else:
                broken.add(key)
    found = [pair for key, pair in pairs.items() if key not in broken]
    if found and not _meant_linear(run, found):
        yield _finding(run, found)


def _before_shape(graph: Graph, node: Node) -> int:
    return graph.back(node).index


def _is_layer(graph: Graph, node: Node) -> bool:
    return _weight(graph, node) is not None


def _weight(graph: Graph, node: Node) -> Node | None:
    """The learned weight of a linear layer or convolution, or the learned matrix of a product."""
    if node.op == "linear" or node.op in _CONVOLUTIONS:
        return graph.source(node, 1, "weight")
    if node.op in _PRODUCTS:
        for source in graph.inputs(node)[-2:]:
            if graph.back(source).role == "parameter" and len(shape(source)) == 2:
                return source
    return None


def _data(graph: Graph, node: Node) -> Node | None:
    """What flows into a layer."""
    if node.op in _PRODUCTS:
        parts = [source for source in graph.inputs(node)[-2:] if graph.back(source).role != "parameter"]
        return parts[0] if len(parts) == 1 else None
    return graph.source(node, 0, "input")


def _linear_predecessor(graph: Graph, second: Node, outputs: set[int]) -> Node | None:
    """The layer before, if its result reaches this one through linear calls alone and goes nowhere else."""
    node = _data(graph, second)
    while node is not None and not node.role:
        if node.index in outputs or len(graph.consumers(node)) > 1 + _queries(graph, node):
            return None
        if _is_layer(graph, node):
            return node
        node = _through(graph, node)
    return None


def _queries(graph: Graph, node: Node) -> int:
    """Uses of a result that carry nothing on to the loss (printing, logging, a statistic)."""
    return sum(consumer.index not in graph.differentiable for consumer in graph.consumers(node))


def _through(graph: Graph, node: Node) -> Node | None:
    """The one source of a linear call; None where the call is not linear or joins several things."""
    if node.op in _LINEAR_CALLS:
        return graph.source(node, 0, "input") or (graph.inputs(node) or [None])[0]
    if node.op in ("mul", "div", "add", "sub", "rsub"):
        scalar = scalar_operand(graph, node)
        if scalar is not None:
            return scalar[0]
        left, right = operands(graph, node)
        if isinstance(left, Node) and isinstance(right, Node) and node.op in ("add", "sub"):
            biases = [part for part in (left, right) if graph.back(part).role in ("parameter", "buffer", "constant")]
            others = [part for part in (left, right) if part not in biases]
            return others[0] if len(others) == 1 and _one_row(biases[0]) else None
    if node.op in ("matmul", "mm", "bmm", "spmm", "sparse_mm"):
        fixed = [source for source in graph.inputs(node) if not wants_gradient(source)]
        others = [source for source in graph.inputs(node) if wants_gradient(source)]
        return others[0] if len(fixed) == 1 and len(others) == 1 else None
    return None


def _one_row(bias: Node) -> bool:
    """A bias has one axis longer than one; positions and other tables have more."""
    return sum(size > 1 for size in shape(bias)) <= 1


def _legitimate(graph: Graph, first: Node, second: Node) -> bool:
    """Designs in which two linear maps in a row are wanted."""
    weights = _weight(graph, first), _weight(graph, second)
    if weights[0] is None or weights[1] is None or weights[0].index == weights[1].index:
        return True
    sizes = shape(weights[0]), shape(weights[1])
    (into, hidden), (hidden_again, out) = _widths(graph, first), _widths(graph, second)
    if hidden < min(into, out) or min(into, hidden, hidden_again, out) <= 1:
        return True
    if any(_grouped(graph, layer) for layer in (first, second)):
        return True
    if any(layer.op.startswith("conv_transpose") for layer in (first, second)):
        return True
    kernels = [size[2:] for size in sizes]
    return (
        len(kernels[0]) == len(kernels[1]) == 2
        and kernels[0] != kernels[1]
        and 1 in kernels[0]
        and 1 in kernels[1]
        and (kernels[0][0] == 1) != (kernels[0][1] == 1)
    )


def _apart(run: Run, graph: Graph, first: Node, second: Node) -> bool:
    """Whether the program calls a part by itself that ends between the two: what that part returns is used as it is."""
    one, other = ((weight.parameter if (weight := _weight(graph, node)) else -1) for node in (first, second))
    held = [{info.parameter for info in model.parameters} for model in run.every(ModelSeen)]
    return any(one in parameters and other not in parameters for parameters in held)


def _widths(graph: Graph, layer: Node) -> tuple[int, int]:
    """Features into and out of a layer, counted with the kernel where it is a convolution."""
    data = _data(graph, layer)
    if layer.op in _CONVOLUTIONS:
        weight = shape(_weight(graph, layer) or layer)
        patch = weight[1]
        for size in weight[2:]:
            patch *= size
        return patch, shape(layer)[1] if len(shape(layer)) == len(weight) else weight[0]
    return (shape(data)[-1] if data is not None and shape(data) else 0), shape(layer)[-1]


def _grouped(graph: Graph, layer: Node) -> bool:
    if layer.op not in _CONVOLUTIONS:
        return False
    groups = graph.argument(layer, 6, "groups", 1)
    return isinstance(groups, int) and groups > 1


def _meant_linear(run: Run, pairs: list[tuple[Graph, Node, Node]]) -> bool:
    """Whether the author calls the thing linear: a study of linear networks is no accident."""
    names = " ".join(f"{model.type} {model.name}" for model in run.models.values()).lower()
    return "deeplinear" in names.replace("_", "") or "linearnet" in names.replace("_", "")


def _finding(run: Run, pairs: list[tuple[Graph, Node, Node]]) -> Finding:
    graph, first, second = pairs[0]
    layers = {node.index for node in graph if _is_layer(graph, node) and node.index in graph.differentiable}
    count = len({(second.where, second.module) for _, _, second in pairs})
    alone = count + 1 >= len({(graph.node(at).where, graph.node(at).module) for at in layers})
    what = f"{_name(first)} and {_name(second)}"
    message = f"Nothing non-linear stands between {what}" + (
        f" and {count - 1} more pairs of layers" if count > 1 else ""
    )
    message += ": the whole network is one linear map." if alone else ": together they are one linear layer."
    where = lines(run, *(node for _, first, second in pairs for node in (second, first)))
    made = [place for _, a, b in pairs for node in (a, b) if (place := made_at(run, node)) is not None]
    evidence = {
        "pairs": count,
        "layers": len(layers),
        "first": _name(first),
        "second": _name(second),
        "made": len(made),
    }
    remedy = "Put an activation (e.g. ReLU) between the two layers, or make them one."
    severity = "error" if alone and count > 1 else "warning"
    return Finding(NAME, severity, message, where, evidence, remedy, EXPLAINS, 0.95 if alone else 0.85)


def _name(node: Node) -> str:
    return f"{node.module.split('.', 1)[-1] or 'a product'} ({node.op})" if node.module else node.op
