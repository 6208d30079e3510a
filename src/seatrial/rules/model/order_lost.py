"""The network cannot see the order of its sequence.

## What it finds
A transformer or another network of self-attention over tokens without anything that tells positions apart: no position embedding, or one
that is made but not added, or added along the axis of the batch.

## Why it harms
Self-attention treats its input as a set. Without positions "dog bites man" and "man bites dog" are the same.

## How it is recognised
Exactly, where the step tells: the first entries of a table of positions are joined with the data along the axis of the
examples, so that they count places in the batch. Else by an experiment after the run: the positions of a recorded batch
are shuffled, and the output does not change. It is a warning where
the program speaks of positions, of text or of sequences; where it speaks of sets, or nothing but embeddings is pooled (a bag
of words), it is a note. Sequences of numbers, not of tokens, have to belong to a program that builds an encoding of positions.
Nothing is said where examples that are drawn anew for each step are answered all the same: then their order decides nothing.

## What it cannot see
Outputs for each position; whether order decides the targets.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
tokens = torch.randint(0, 12, (256, 8))
labels = (tokens[:, 0] > tokens[:, -1]).long()


class SentenceClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 16)
        self.body = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, tokens):
        return self.head(self.body(self.embed(tokens)).mean(1))


model = SentenceClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(4):
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
tokens = torch.randint(0, 12, (256, 8))
labels = (tokens[:, 0] > tokens[:, -1]).long()


class SentenceClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 16)
        self.positions = nn.Embedding(8, 16)
        self.body = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 2)

    def forward(self, tokens):
        return self.head(self.body(self.embed(tokens) + self.positions.weight).mean(1))


model = SentenceClassifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(4):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(tokens[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`change`: relative change of the output under a shuffle that counts as none. `smallest`: examples in a batch.
`solved`: share of the first loss below which each of the last `fresh` steps must be, for the task to count as solved.

## References
Vaswani et al., Attention Is All You Need, 2017, section 3.5; Lee et al., Set Transformer, 2019 (where it is wanted).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Node, Probe
from seatrial.findings import Finding, Severity
from seatrial.history import Run
from seatrial.rules.axes import batch_size, counted_along_examples
from seatrial.rules.batches import Batches
from seatrial.rules.contraction import is_product_of_activations
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import integral, shape, softmax_at
from seatrial.rules.training import Training
from seatrial.rules.where import lines

NAME = "model.order-lost"
EXPLAINS = ("optimisation.underfitting", "optimisation.loss-not-decreasing", "optimisation.cannot-overfit-subset")
MISREAD = ("data.wrong-axis-layout", "model.examples-mixed", "model.constant-output", "optimisation.overfitting")
_SETS = re.compile(
    r"set_?(transformer|encoder|attention)|\bbags?\b|unordered|permutation.(in|equi)|deep_?sets?|basket|multiset|tabular|\bcolumns?\b",
    re.I,
)
_ORDERED = re.compile(
    r"position|\bpos_|_pos\b|sinusoid|sequence|sentence|\bseq|\btext|\bwords?\b|\bchar|language|document", re.I
)
_ENCODED = re.compile(r"pos(ition(al|s)?)?_?(enc|emb)|time_?step_?(enc|emb)|sinusoid|\bpe\b", re.I)


@dataclass(frozen=True)
class Thresholds:
    """change: of the output relative to its spread over examples; rounding in float32 leaves 1e-5 at most. smallest:
    examples in a batch below which axes cannot be told apart. solved: the last losses as a share of the first, over so
    many batches (fresh) of examples that never come again."""

    change: float = 1e-4
    smallest: int = 3
    solved: float = 0.05
    fresh: int = 20


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Positions that count examples, else inputs whose order has no influence."""
    for graph in map(Graph, run.training_graphs):
        size = batch_size(run, graph)
        counted = counted_along_examples(graph, size) if size is not None and size >= limits.smallest else []
        if counted:
            yield _along_examples(run, counted, size or 0)
            return
    if _solved(run, limits):
        return
    for probe in run.probes("order"):
        if probe.share > limits.change or probe.node < 0:
            continue
        seen = next((s for s in run.graphs if s.tick == probe.tick and s.call == probe.call), None)
        if seen is None:
            continue
        finding = _finding(run, Graph(seen), probe)
        if finding is not None:
            yield finding
            return


def _solved(run: Run, limits: Thresholds) -> bool:
    """Whether examples that the network meets for the first time are answered well, so that order cannot decide."""
    batches, values = Batches(run), Training(run).values
    fresh = batches.loader is None and batches.epoch == len(batches.inputs) >= limits.fresh
    if not fresh or len(values) < 2 * limits.fresh or not values[0] > 0:
        return False
    return max(values[-limits.fresh :]) < limits.solved * values[0]


def _along_examples(run: Run, counted: list[tuple[Node, Node]], size: int) -> Finding:
    node, table = counted[0]
    message = (
        f"Positions {list(shape(table))} are joined with data {list(shape(node))} along the axis of the {size} examples: "
        "each example gets the code of its place in the batch, and no step of the sequence knows its own."
    )
    remedy = "Take as many positions as the sequence has steps and give them the axis of the steps: pe[:, : x.size(1)]."
    evidence = {"positions": [float(length) for length in shape(table)], "batch_size": size}
    where = lines(run, *(joined for joined, _ in counted), callers=True)[:4]
    return Finding(NAME, "error", message, where, dict(evidence), remedy, (*EXPLAINS, *MISREAD), 0.93)


def _finding(run: Run, graph: Graph, probe: Probe) -> Finding | None:
    tokens = graph.node(probe.node)
    readers = graph.consumers(tokens)
    embedding = next((node for node in readers if node.op == "embedding" or not integral(tokens)), None)
    about = _is_about_order(run) if integral(tokens) else _encodes_positions(run)
    severity: Severity = "warning" if _self_attention(graph) and about else "note"
    if severity == "note" and (not integral(tokens) or embedding is None):
        return None
    message = "The output does not change when the positions of the input sequence are shuffled: the network cannot see their order."
    remedy = "Add an encoding of the positions to the embedded tokens, or use a layer that reads in order."
    where = lines(run, embedding, callers=True) if embedding is not None else lines(run, tokens)
    evidence = {"relative_change": probe.share}
    explains = EXPLAINS if severity != "note" else ()
    return Finding(NAME, severity, message, where, evidence, remedy, explains, 0.8 if severity == "warning" else 0.4)


def _self_attention(graph: Graph) -> bool:
    return any(
        node.op in ("multi_head_attention_forward", "scaled_dot_product_attention") or _compares(graph, node)
        for node in graph
    )


def _compares(graph: Graph, node: Node) -> bool:
    softmax = softmax_at(graph, node)
    return softmax is not None and is_product_of_activations(graph, softmax.scores)


def _is_about_order(run: Run) -> bool:
    text = "\n".join(run.sources.values())
    return bool(_ORDERED.search(text)) and not _SETS.search(text)


def _encodes_positions(run: Run) -> bool:
    text = "\n".join(run.sources.values())
    return bool(_ENCODED.search(text)) and not _SETS.search(text)
