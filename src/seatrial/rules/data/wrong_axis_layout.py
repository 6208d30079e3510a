"""data.wrong-axis-layout: an axis is read as another one.

## What it finds
Sequences that are given with the examples first to a recurrent or attention layer that takes time first (a missing
`batch_first=True` or transpose); images whose channels come last, viewed as if they came first; a `view` or `reshape` where
a transpose was meant.

## Why it harms
Nothing fails, for the numbers fit. A recurrent layer then runs from example to example; a convolution sees three
interleaved fragments of a picture as its colours; points viewed as (3, points) have their coordinates mixed up.

## How it is recognised
Layers: exactly. The axis of the examples is followed from the data through the recorded step to the layer. So are views: one that leaves the examples where they are, and in which another axis
comes to stand elsewhere among the numbers than it did, moves no axis but deals the numbers out anew. Images: pixels
are more like their neighbours than like those three further on. If instead the pixels of a row are clearly more like those
as far apart as there are channels, the row holds the channels of one pixel after the other. A four-dimensional batch whose
last axis has one or three elements and whose second has many is read channels-last by a convolution.

## What it cannot see
Pictures that are noise from pixel to pixel, or grey ones with equal channels, look the same in both layouts; a height and
width that were exchanged; a view of axes of equal length.

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
        self.rnn = nn.LSTM(4, 16)
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
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
        self.rnn = nn.LSTM(4, 16, batch_first=True)
        self.out = nn.Linear(16, 2)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(3):
    for rows in torch.randperm(320).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
`interleaving`: mean squared difference of pixels as far apart as there are channels, over that of neighbours, below which
channels are interleaved; smooth pictures give more than 1 in their own layout, noise gives 1.

## References
PyTorch documentation, *torch.nn.LSTM*: `batch_first`; *torch.nn.Conv2d*: (N, C, H, W).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from seatrial.events import Node, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import where
from seatrial.rules.axes import batch_size
from seatrial.rules.graph import Graph
from seatrial.rules.model.examples_mixed import layers_along
from seatrial.rules.patterns import shape

# How an event tells by which view the program made a tensor: "view@16:32x50x3:32x3x50".
_VIEW = re.compile(r"(?:view|reshape)(?:_as)?@(\d+):([\dx]+):([\dx]+)")
EXPLAINS = ("optimisation.loss-not-decreasing", "optimisation.underfitting", "model.input-ignored")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """interleaving: ratio of mean squared differences (no unit). channels: at most so many on a last axis that are taken
    for colours. side: pixels that an axis needs at least to be taken for height or width."""

    interleaving: float = 0.8
    channels: int = 3
    side: int = 8


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    for graph in map(Graph, run.training_graphs[:4]):
        for finding in (_layers(run, graph), _images(run, graph, limits), _dealt_out(run, graph)):
            if finding is not None:
                yield finding
                return


def _layers(run: Run, graph: Graph) -> Finding | None:
    size = batch_size(run, graph)
    mixing = layers_along(graph, size) if size else []
    if not mixing:
        return None
    node = mixing[0]
    given = graph.inputs(node)[0]
    if given.op == "unsqueeze" and given.module == node.module != "":  # by torch, of examples that have no axis of time
        return None
    lengths = list(shape(given))
    return Finding(
        "data.wrong-axis-layout",
        "error",
        f"{node.module_type or node.op} reads its input {lengths} time first, but the axis of {size} holds the examples.",
        where.lines(run, *mixing)[:4],
        {"input_shape": [float(length) for length in lengths], "batch_size": size},
        "Give batch_first=True where the layer is built, or transpose its input and its output.",
        EXPLAINS,
        0.94,
    )


def _images(run: Run, graph: Graph, limits: Thresholds) -> Finding | None:
    for leaf in graph.leaves("input"):
        taken = [node for node in graph.consumers(leaf) if node.op == "conv2d"]
        lengths = shape(leaf)
        if len(lengths) != 4 or not taken:
            continue
        ratio = leaf.stats.get("interleaving", float("nan"))
        if ratio < limits.interleaving:
            return _image(
                run,
                leaf,
                taken[0],
                f"Images {list(lengths)} are read channels first, but pixels of a row resemble those {lengths[1]} further on "
                f"more than their neighbours (squared difference {ratio:.2f} times as large): the channels lie interleaved.",
                {"interleaving": ratio},
            )
        if lengths[3] in (1, limits.channels) and min(lengths[1], lengths[2]) >= limits.side:
            return _image(
                run,
                leaf,
                taken[0],
                f"Images {list(lengths)} are given with the channels last to a convolution that takes them first.",
                {"input_shape": [float(length) for length in lengths]},
            )
    return None


def _dealt_out(run: Run, graph: Graph) -> Finding | None:
    """A view between two axis orders: an axis that is told by its length stands elsewhere among the numbers behind it."""
    for node in graph.calls("view", "reshape", "view_as", "reshape_as"):
        source = graph.source(node, 0, "input")
        if source is None or not _has_layout(graph, source):
            continue
        before, after = shape(source), shape(node)
        if exchanged(before, after):
            return _viewed(before, after, where.lines(run, node, callers=True)[:3])
    for leaf in graph.leaves("input"):
        for step in leaf.origin:
            found = _VIEW.fullmatch(step)
            if found is None or leaf.where is None:
                continue
            before, after = (tuple(map(int, part.split("x"))) for part in found.group(2, 3))
            if exchanged(before, after):
                return _viewed(before, after, (Place(leaf.where.file, int(found[1]), leaf.where.function),))
    return None


def _viewed(before: tuple[int, ...], after: tuple[int, ...], places: tuple[Place, ...]) -> Finding:
    return Finding(
        "data.wrong-axis-layout",
        "error",
        f"{list(before)} is viewed as {list(after)}: that exchanges no axes but deals the numbers out anew, so that "
        "what stood together is mixed up.",
        places,
        {"before": [float(length) for length in before], "after": [float(length) for length in after]},
        "Use transpose or permute to move an axis, and view only to split or join neighbouring ones.",
        (*EXPLAINS, "model.examples-mixed"),
        0.9,
    )


def exchanged(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Whether a view keeps axis 0 but has an axis of the same length, the only one of it, at another stride."""
    if len(before) < 3 or before[:1] != after[:1]:
        return False
    for place, length in enumerate(before[1:], 1):
        if length > 1 and before.count(length) == after.count(length) == 1:
            now = after.index(length)
            if prod(before[place:]) != prod(after[now:]):
                return True
    return False


def _has_layout(graph: Graph, source: Node) -> bool:
    """Whether the axes of what is viewed have a meaning: not noise, and not viewed a moment before."""
    if source.op in ("view", "reshape", "flatten", "unflatten", "ravel") or source.random:
        return False
    return source.role == "input" or source.index in graph.depends_on_parameters


def _image(run: Run, leaf: Node, conv: Node, message: str, evidence: dict[str, float | list[float]]) -> Finding:
    return Finding(
        "data.wrong-axis-layout",
        "error",
        message,
        (*_reshapes(run, leaf), *where.lines(run, conv))[:4],
        dict(evidence),
        "View the data as (examples, height, width, channels) and permute to (examples, channels, height, width).",
        EXPLAINS,
        0.85,
    )


def _reshapes(run: Run, leaf: Node) -> tuple[Place, ...]:
    """Lines that view data as four axes, in the files of the run: there the layout is said."""
    pattern = re.compile(r"\.(view|reshape)\((?:[^(),]|\([^()]*\))*(,(?:[^(),]|\([^()]*\))*){2,3}\)")
    found = [
        Place(file, number, "")
        for file, text in run.sources.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    return tuple(found[:2])
