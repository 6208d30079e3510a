"""Which axis holds the examples of a batch, and where that axis goes in a recorded step."""

from __future__ import annotations

from seatrial.events import Argument, Node, Ref
from seatrial.history import Run
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import DROPOUTS, RELABELLING, carry, shape

# Calls whose result keeps the leading axes of their first argument where they are.
_KEEP_LEADING = frozenset(
    "embedding linear layer_norm group_norm instance_norm batch_norm conv1d conv2d conv3d conv_transpose1d "
    "conv_transpose2d conv_transpose3d max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d "
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d one_hot pad "
    "interpolate gelu silu elu leaky_relu prelu softplus softmax log_softmax hardtanh normalize".split()
)


def batch_size(run: Run, graph: Graph) -> int | None:
    """The number of examples of a recorded step, where axis 0 of data certainly counts examples: data whose axis 0
    is as long as a DataLoader's batches, or as a one-dimensional target (one label an example). None where that is
    unsure (time-major sequences, graphs, whole data sets)."""
    data = [leaf for leaf in graph.leaves("input", "target") if shape(leaf)]
    if not any(leaf.role == "input" for leaf in data):
        return None
    sizes = {shape(leaf)[0] for leaf in data if leaf.role == "input"}
    loaded = {loader.batch_size for loader in run.loaders.values() if loader.batch_size > 1}
    for size in sorted(sizes & loaded, reverse=True):
        return size
    labels = {shape(leaf)[0] for leaf in data if leaf.role == "target" and len(shape(leaf)) == 1}
    for size in sorted(sizes & labels, reverse=True):
        if size > 1 and not any(size in shape(leaf)[1:] for leaf in data):
            return size
    return None


def example_axes(graph: Graph, size: int) -> dict[int, int]:
    """For each node that carries the examples of the batch, the axis on which they are. Starts from data leaves with
    `size` examples along axis 0; nodes where the axis is lost or unknown are left out."""
    axes: dict[int, int] = {}
    for node in graph:
        if node.role in ("input", "target", "constant"):
            if shape(node)[:1] == (size,):
                axes[node.index] = 0
            continue
        for source in graph.inputs(node):
            if source.index not in axes:
                continue
            axis = _carried(graph, node, source, axes[source.index])
            if axis is not None and axis < len(shape(node)) and shape(node)[axis] == size:
                axes[node.index] = axis
                break
    return axes


def _carried(graph: Graph, node: Node, source: Node, axis: int) -> int | None:
    before, after = shape(source), shape(node)
    first = graph.argument(node, 0, "input")
    if node.op in _KEEP_LEADING and (not isinstance(first, Ref) or graph.node(first) is source):
        return axis
    if node.op in (
        "lstm",
        "gru",
        "rnn_tanh",
        "rnn_relu",
        "multi_head_attention_forward",
        "scaled_dot_product_attention",
    ):
        return axis if len(before) == len(after) else None
    if node.op == "stack":
        return _stacked(graph, node, after, axis)
    return carry(graph, node, source, axis)


def _stacked(graph: Graph, node: Node, after: tuple[int, ...], axis: int) -> int:
    dim = graph.argument(node, 1, "dim", 0)
    new = dim % len(after) if isinstance(dim, int) else 0
    return axis + (axis >= new)


def counted_along_examples(graph: Graph, size: int) -> list[Node]:
    """Calls that join data with the first entries of a table (a buffer or a parameter), one for each place in the batch:
    positions that were meant to run along another axis."""
    axes = example_axes(graph, size)
    found: list[Node] = []
    for node in graph.calls("add", "mul", "cat", "sub"):
        sources = graph.inputs(node)
        data = next((source for source in sources if source.index in axes and source.role != "constant"), None)
        if data is None:
            continue
        from_end = len(shape(data)) - axes[data.index]
        for other in sources:
            lengths = shape(other)
            aligned = len(lengths) >= from_end and lengths[-from_end] == size and lengths.count(size) == 1
            if other.index not in axes and aligned and _first_entries(graph, other, size):
                found.append(node)
    return found


def _first_entries(graph: Graph, node: Node, size: int) -> bool:
    """Whether a node holds the first `size` entries of a longer table, counted or looked up one after the other."""
    made = graph.back(node, RELABELLING | DROPOUTS | {"expand", "expand_as", "mul", "detach"})
    table = graph.source(made, 0, "input") if made.op == "getitem" else graph.source(made, 1, "weight")
    if table is None or table.role not in ("buffer", "parameter", "constant"):
        return False
    if made.op == "embedding":
        index = graph.source(made, 0, "input")
        counted = index is not None and graph.back(index, RELABELLING | {"expand", "expand_as"}).op == "arange"
        return counted and shape(table)[0] > size
    given = made.args[1] if len(made.args) > 1 else None
    parts = given if isinstance(given, tuple) else (given,)
    return any(
        isinstance(part, dict) and _begins(part, size) and length > size
        for part, length in zip(parts, shape(table), strict=False)
    )


def _begins(part: dict[str, Argument], size: int) -> bool:
    ends = part.get("slice")
    return isinstance(ends, tuple) and ends[:1] in ((None,), (0,)) and ends[1:2] == (size,)
