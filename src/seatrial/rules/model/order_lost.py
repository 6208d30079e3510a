"""The network cannot see the order of its sequence.

## What it finds
A transformer or another network of self-attention over tokens without anything that tells positions apart: no position embedding, or one
that is made but not added, or added along the axis of the batch.

## Why it harms
Self-attention treats its input as a set. Without positions "dog bites man" and "man bites dog" are the same.

## How it is recognised
By an experiment after the run: the positions of a recorded batch are shuffled, and the output does not change. It is a warning where
the program speaks of positions, of text or of sequences; where it speaks of sets, or nothing but embeddings is pooled (a bag
of words), it is a note.

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
`change`: relative change of the output under a shuffle that counts as none.

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
from seatrial.rules.contraction import is_product_of_activations
from seatrial.rules.graph import Graph
from seatrial.rules.patterns import softmax_at
from seatrial.rules.where import lines

NAME = "model.order-lost"
EXPLAINS = ("optimisation.underfitting", "optimisation.loss-not-decreasing", "optimisation.cannot-overfit-subset")
_SETS = re.compile(
    r"set_?(transformer|encoder|attention)|\bbags?\b|unordered|permutation.(in|equi)|deep_?sets?|basket|multiset|tabular|\bcolumns?\b",
    re.I,
)
_ORDERED = re.compile(
    r"position|\bpos_|_pos\b|sinusoid|sequence|sentence|\bseq|\btext|\bwords?\b|\bchar|language|document", re.I
)


@dataclass(frozen=True)
class Thresholds:
    """change: of the output relative to its spread over examples; rounding in float32 leaves 1e-5 at most."""

    change: float = 1e-4


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Inputs whose order of positions has no influence, the first one of each model."""
    for probe in run.probes("order"):
        if probe.share > limits.change or probe.node < 0:
            continue
        seen = next((s for s in run.graphs if s.tick == probe.tick and s.call == probe.call), None)
        if seen is None:
            continue
        yield _finding(run, Graph(seen), probe)
        return


def _finding(run: Run, graph: Graph, probe: Probe) -> Finding:
    tokens = graph.node(probe.node)
    embedding = next((node for node in graph.consumers(tokens) if node.op == "embedding"), None)
    severity: Severity = "warning" if _self_attention(graph) and _is_about_order(run) else "note"
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
