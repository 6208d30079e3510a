"""model.bad-initial-scale: initial weights so large or so small that signals explode, vanish or saturate.

## What it finds
Weights drawn from a distribution that does not fit the number of inputs: `randn` without a factor, a standard
deviation of 1 or of 0.001 for every layer.

## Why it harms
Each layer multiplies the spread of its input by the standard deviation of its weights times the square root of its
inputs. Far above one, logits become enormous and units saturate or die; far below, nothing of the input arrives at
the output, and no gradient at the first layers.

## How it is recognised
Two things have to come together in the first recorded step: gains (standard deviation times square root of the
fan-in) far from the usual 0.5 to 1.5 with no normalisation behind them, and their effect: predictions spread over
tens of units, bounded units at their bounds, or hidden activations that hardly vary over the examples.

## What it cannot see
Weights that are scaled inside of a hand-written forward pass are judged by their effect only.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(512, 32)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=1.0)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
for epoch in range(4):
    for rows in torch.randperm(512).split(64):
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
x = torch.randn(512, 32)
y = (x[:, 0] * x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
for layer in model:
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(4):
    for rows in torch.randperm(512).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
All common schemes give gains from 0.4 to 1.5; the thresholds leave a factor of two to three on either side.

## References
Glorot and Bengio (2010). He, Zhang, Ren, Sun, *Delving Deep into Rectifiers* (2015).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seatrial.events import Node, Place
from seatrial.findings import Finding, Mend
from seatrial.history import Run
from seatrial.numbers import decimal, percent
from seatrial.rules import where
from seatrial.rules.graph import Graph
from seatrial.rules.growth import growth, input_std
from seatrial.rules.model.saturated_activations import share
from seatrial.rules.parameters import Parameters, listed
from seatrial.rules.scales import BOUNDED, Gain, gains, init_lines, normalised
from seatrial.rules.series import head_and_tail

NAME = "model.bad-initial-scale"
EXPLAINS = (
    "model.initial-loss-off",
    "model.saturated-activations",
    "model.dead-units",
    "model.constant-output",
    "optimisation.vanishing-gradient",
    "optimisation.exploding-gradient",
    "optimisation.loss-not-decreasing",
    "optimisation.learning-rate-too-low",
    "optimisation.underfitting",
    "optimisation.update-ratio-off",
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """large, small: gains (std times square root of fan-in) outside of which weights are unusual. spread: standard
    deviation of class scores or of predictions relative to their inputs, from which on they are enormous.
    saturated: share of bounded units at a bound. vanished: variation over the examples of what a layer gets
    relative to that of the input, below which nothing arrives. last_tick: backward calls after which a step is not
    the start. grown: standard deviation relative to the data at which usual weights are named too, where the loss
    ended above `fallen` times its start."""

    large: float = 3.5
    small: float = 0.25
    spread: float = 15.0
    saturated: float = 0.5
    vanished: float = 1e-3
    last_tick: int = 2
    grown: float = 1000.0
    fallen: float = 0.9


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    known = Parameters(run)
    for graph in known.graphs:
        if graph.seen.tick > limits.last_tick or _pretrained(run, graph):
            continue
        weights = [gain for gain in gains(known, graph) if not normalised(graph, gain.call)]
        large = [gain for gain in weights if gain.gain >= limits.large and not _waves(graph, gain.call)]
        small = [gain for gain in weights if 0 < gain.gain <= limits.small]
        effect = exploded(graph, large, limits) if large else None
        if effect is not None:
            yield _finding(run, known, large, "large", effect)
            return
        effect = vanished(graph, small, limits) if len(small) > 1 else None
        if effect is not None:
            yield _finding(run, known, small, "small", effect)
            return
        yield from _by_effect(run, known, graph, gains(known, graph), limits)
        return


def _by_effect(run: Run, known: Parameters, graph: Graph, weights: list[Gain], limits: Thresholds) -> Iterator[Finding]:
    """Usual weights in a stack that is too deep for them: only where the effect is extreme and nothing was learnt."""
    if len(weights) < 2 or any(normalised(graph, gain.call) for gain in weights):
        return
    effect = None if _learns(run, limits) or _rectified_away(graph) else vanished(graph, weights, limits)
    if effect is not None:
        yield _finding(run, known, weights, "small for so many layers", effect, _between(graph, weights))
    elif grown := growth(graph, limits.grown):
        std = grown.nodes[-1].stats["std"]
        effect = f"the signal grows to a standard deviation of {decimal(std, 3)} before anything is learnt"
        yield _finding(run, known, weights, "large for so many steps", effect, grown.nodes, grown.lines[:1])


def _learns(run: Run, limits: Thresholds) -> bool:
    call = run.main_call
    if call is None or len(run.losses[call]) < 6:
        return True
    first, last = head_and_tail(run.losses[call].values)
    return last < limits.fallen * first


def _rectified_away(graph: Graph) -> bool:
    """Whether units that are never on keep the signal from the output: that is another fault."""
    return any(node.stats.get("dead_share", 0.0) > 0.9 for node in graph)


def _between(graph: Graph, weights: list[Gain]) -> list[Node]:
    """What stands between the layers: the activations that let the signal shrink."""
    calls = {gain.call.index for gain in weights}
    return [node for node in graph.calls(*BOUNDED) if any(source.index in calls for source in graph.inputs(node))][:1]


def _pretrained(run: Run, graph: Graph) -> bool:
    ids = {leaf.parameter for leaf in graph.leaves("parameter")}
    return any(fate.loaded for parameter, fate in run.fates.items() if parameter in ids)


def _waves(graph: Graph, node: Node) -> bool:
    """Frequencies of sines may be large: that is how such layers are made."""
    return any(
        graph.node(index).op in ("sin", "cos") for index in graph.downstream(node, stop=lambda n: n.op == "linear")
    )


def exploded(graph: Graph, large: list[Gain], limits: Thresholds) -> str | None:
    """The effect of large weights in words, or None where there is none."""
    reached = set().union(*(graph.downstream(gain.call) | {gain.call.index} for gain in large))
    for node in graph.calls(*BOUNDED):
        bounded = node.index in reached and "high_share" in node.stats and graph.in_network(node)
        if bounded and share(node) >= limits.saturated:
            return f"{percent(share(node))} of the outputs of `{node.op}` are at a bound"
    ends = [graph.node(ref) for ref in graph.seen.predictions] or [large[-1].call]
    for node in ends:
        std = node.stats.get("std", 0.0)
        if node.index in reached and std >= limits.spread * max(1.0, input_std(graph)):
            return f"the untrained predictions have a standard deviation of {decimal(std, 3)}"
    return None


def vanished(graph: Graph, small: list[Gain], limits: Thresholds) -> str | None:
    """The effect of small weights in words, or None where there is none."""
    outer = input_std(graph)
    last = small[-1].call
    source = graph.source(last, 0, "input")
    varying = _variation(source) if source is not None and not source.role else None
    if varying is None or outer <= 0 or varying >= limits.vanished * outer:
        return None
    return (
        f"what the last layers get varies by {decimal(varying, 2)} over the examples, the input by {decimal(outer, 2)}"
    )


def _variation(node: Node) -> float | None:
    stats = node.stats
    return stats["spread"] * stats["std"] if "spread" in stats and stats["spread"] == stats["spread"] else None


def _finding(
    run: Run,
    known: Parameters,
    weights: list[Gain],
    size: str,
    effect: str,
    nodes: Sequence[Node] = (),
    first: Sequence[Place] = (),
) -> Finding:
    named = listed(f"{gain.path} (gain {decimal(gain.gain, 2)})" for gain in weights)
    message = f"Initial weights are too {size}: {named}; {effect}."
    evidence = {"gains": [gain.gain for gain in weights[:8]], "parameters": [gain.path for gain in weights[:8]]}
    built = [known.built(gain.parameter) for gain in weights]
    lines = where.lines(run, *nodes) if nodes else init_lines(run, [gain.std for gain in weights])
    places = where.distinct([*first, *lines, *reversed(built)])
    remedy = "Draw weights with a standard deviation of about 1 / sqrt(inputs): torch's default, Kaiming or Xavier."
    return Finding(NAME, "warning", message, places[:4], dict(evidence), remedy, EXPLAINS, 0.85)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Weights as torch draws them."""
    return Mend("weights drawn as torch draws them", fresh=True)
