"""Padding counts as data.

## What it finds
Sequences of unequal length that were filled up to one length, and whose filling is read as if it were data: the last time step of a
recurrent layer, a mean over all positions, an attention without a mask, a loss that counts filled positions.

## Why it harms
A recurrent layer that has run over twenty fillings has forgotten the sequence; a mean over fillings shrinks short sequences; a loss over
them rewards the network for predicting the filling.

## How it is recognised
Rows that end in runs of one value, of different lengths, where that value hardly stands anywhere else: that is padding. It is
handled where the step packs its sequences, compares the tokens with something, takes a mask or lengths, or lets the loss ignore
the value. Where none of this happens, the call that reads over the padding is named.

## What it cannot see
Padding on the left, in which recurrent layers lose little; lengths that are used before the step begins.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
lengths = torch.randint(3, 16, (256,))
tokens = torch.randint(1, 20, (256, 16))
tokens[torch.arange(16) >= lengths[:, None]] = 0
labels = (tokens[:, 0] > 10).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.rnn = nn.GRU(8, 16, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, tokens):
        states, _ = self.rnn(self.embed(tokens))
        return self.head(states[:, -1])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(tokens[rows]), labels[rows])
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
lengths = torch.randint(3, 16, (256,))
tokens = torch.randint(1, 20, (256, 16))
tokens[torch.arange(16) >= lengths[:, None]] = 0
labels = (tokens[:, 0] > 10).long()


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.rnn = nn.GRU(8, 16, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, tokens, lengths):
        states, _ = self.rnn(self.embed(tokens))
        return self.head(states[torch.arange(len(tokens)), lengths - 1])


model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(tokens[rows], lengths[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`share`: of all positions that are padding; `rows`: of rows that end in it; `inside`: of the value's positions elsewhere; `lengths`.

## References
PyTorch documentation of pack_padded_sequence and of Transformer's key padding masks; Mu et al. on padding in recurrent networks, 2020.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, Ref
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import integral, reduced_axes, shape, softmax_at, wants_gradient
from seatrial.rules.where import lines

NAME = "model.padding-read-as-data"
EXPLAINS = (
    "model.bad-initial-scale",
    "model.constant-output",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
)
_RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")
_ATTENTIONS = ("multi_head_attention_forward", "scaled_dot_product_attention")
_COMPARISONS = frozenset(
    [
        "eq",
        "ne",
        "gt",
        "ge",
        "lt",
        "le",
        "isin",
        "not_equal",
        "logical_not",
        "bool",
        "sign",
        "count_nonzero",
        "bincount",
    ]
)


@dataclass(frozen=True)
class Thresholds:
    """Shares 0..1 but for lengths. share: padding under an eighth of all positions does little harm. rows: of rows that end in
    it. inside: a value that is also data stands elsewhere too. lengths: different lengths of padding."""

    share: float = 0.12
    rows: float = 0.3
    inside: float = 0.02
    lengths: int = 3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Calls that read over padding, once for each line."""
    said: set[object] = set()
    for seen in run.training_graphs[:6]:
        graph = Graph(seen)
        for leaf in graph.leaves("input"):
            padding = _padding(run, leaf, limits)
            if padding is None or _is_handled(graph, leaf, padding["pad_value"]):
                continue
            for node, what in _readings(graph, leaf):
                if node.where not in said:
                    said.add(node.where)
                    yield _finding(run, graph, node, what, padding)


def _padding(run: Run, leaf: Node, limits: Thresholds) -> dict[str, float] | None:
    """The figures of a leaf's padding, from itself or from a sketch of a batch of its shape, where it is clear."""
    sized = shape(leaf)
    candidates = [leaf.stats] + [
        batch.stats
        for batch in run.batches
        if batch.role == "input" and batch.shape[1:] == sized[1:] and "pad_share" in batch.stats
    ]
    for stats in candidates:
        if (
            stats.get("pad_share", 0.0) >= limits.share
            and stats.get("padded_rows", 0.0) >= limits.rows
            and stats.get("pad_inside", 1.0) <= limits.inside
            and stats.get("pad_lengths", 0.0) >= limits.lengths
            and "pad_value" in stats
        ):
            return stats
    return None


def _is_handled(graph: Graph, leaf: Node, value: float) -> bool:
    """Whether anything in the step knows of lengths, masks or the padding's value."""
    for node in graph:
        if "pack_padded" in node.op or node.op in ("ctc_loss", "nested_tensor", "embedding_bag"):
            return True
        if node.op in _COMPARISONS and leaf.index in graph.upstream(node):
            return True
        if node.role in ("input", "target", "constant") and node is not leaf and _is_mask(leaf, node):
            return True
        if node.op in ("cross_entropy", "nll_loss") and graph.argument(node, 4, "ignore_index", -100) == value:
            return True
        if node.op in _ATTENTIONS and node.kwargs.get("key_padding_mask") is not None:
            return True
    return False


def _is_mask(tokens: Node, node: Node) -> bool:
    """A mask of the sequences' shape, or one whole number for each of them: its length."""
    sized, known = shape(tokens), shape(node)
    if "bool" in node.outputs[0].dtype and len(known) >= 1:
        return True
    if node.role == "target" and len(known) == 1:
        return False
    if (
        known[:2] == sized[:2]
        and node.stats.get("min") == 0
        and node.stats.get("max") == 1
        and node.stats.get("integers") == 1
    ):
        return True
    return len(known) == 1 and known == sized[:1] and integral(node)


def _readings(graph: Graph, leaf: Node) -> Iterator[tuple[Node, str]]:
    """Calls that let padded positions count."""
    reached = graph.downstream(leaf)
    length = shape(leaf)[1]
    pooled = False
    for node in graph:
        if node.index not in reached or node.index not in graph.differentiable:
            continue
        if node.op in _RECURRENT:
            reading = _last_step(graph, node)
            if reading is not None:
                yield reading, "the state after the last time step is read, which for most sequences is padding"
        elif node.op == "mean" and _over_time(graph, node, length):
            pooled = True
            yield node, "the mean is taken over padded positions too"
        elif (node.op == "multi_head_attention_forward" and not pooled and not _causal(node)) or (
            node.op == "softmax" and _over_positions(graph, node, length)
        ):
            yield node, "attention is paid to padded positions"


def _last_step(graph: Graph, layer: Node) -> Node | None:
    """A use of a recurrent layer's final state, or of its output at the last position."""
    for consumer in graph.consumers(layer):
        if consumer.index not in graph.differentiable:
            continue
        refs = [part for part in consumer.args if isinstance(part, Ref) and part.node == layer.index]
        stacked = [
            part for group in consumer.args if isinstance(group, tuple) for part in group if isinstance(part, Ref)
        ]
        if any(ref.output >= 1 for ref in (*refs, *(ref for ref in stacked if ref.node == layer.index))):
            return consumer
        index = consumer.args[1] if consumer.op == "getitem" and len(consumer.args) > 1 else None
        parts = index if isinstance(index, tuple) else (index,)
        if refs and any(isinstance(part, int) and part == -1 for part in parts[:2]):
            return consumer
    return None


def _over_time(graph: Graph, node: Node, length: int) -> bool:
    source = graph.source(node, 0, "input")
    if source is None or len(shape(source)) != 3:
        return False
    axes = reduced_axes(graph, node)
    return len(axes) == 1 and shape(source)[axes[0]] == length and axes[0] in (0, 1, 2)


def _causal(node: Node) -> bool:
    return node.kwargs.get("attn_mask") is not None or node.kwargs.get("is_causal") is True


def _over_positions(graph: Graph, node: Node, length: int) -> bool:
    """A softmax over the positions without any mask before it."""
    softmax = softmax_at(graph, node)
    if (
        softmax is None
        or shape(node)[softmax.axis] != length
        or shape(node).count(length) != 1 + (len(shape(node)) == 4)
    ):
        return False
    scores = softmax.scores
    while scores.op in ("div", "mul"):
        scores = graph.inputs(scores)[0]
    return scores.op not in ("masked_fill", "where", "add", "sub") and wants_gradient(scores)


def _finding(run: Run, graph: Graph, node: Node, what: str, padding: dict[str, float]) -> Finding:
    message = (
        f"{percent(padding['pad_share'])} of all positions are padding (value {decimal(padding['pad_value'], 6)}, in {percent(padding['padded_rows'])} "
        f"of the sequences), and {what}."
    )
    layers = [graph.node(ref.node) for ref in node.args if isinstance(ref, Ref)]
    where = lines(run, node, *[layer for layer in layers if layer.op in _RECURRENT])
    evidence = {name: padding[name] for name in ("pad_value", "pad_share", "padded_rows", "pad_lengths")}
    remedy = "Use the sequences' lengths: pack_padded_sequence, the state at the last real position, a mask in mean and attention."
    return Finding(NAME, "warning", message, where, evidence, remedy, EXPLAINS, 0.8)
