"""Inputs and targets were reordered independently of each other, so targets no longer belong to their inputs.

## What it finds
Inputs and targets that were each put into an order of their own (shuffled twice, one of them sorted, two loaders that
shuffle side by side), that are some places off each other, or that meet anew at random in every pass.

## Why it harms
There is nothing to be learned. The loss stays at that of guessing, or the network learns its examples by heart, and
no setting of the training helps.

## How it is recognised
By two things together. First, the examples themselves: neither a nearest neighbour nor a linear model nor one feature
alone answers examples that it has not seen better than with permuted targets, and there are enough examples to say
so. That alone is no fault: noise and hard problems look the same. Second, one of these: the source puts the one into
another order and not the other, or both by two calls of a function that draws an order anew; targets some places
further on do belong to their neighbours' inputs; an example comes with another class each time; examples of the
evaluation can be answered where those of the training cannot.

## What it cannot see
Examples with several inputs, targets of several numbers, sequences of tokens whose order counts, too few examples;
orders that are taken from files. Programs that speak of random labels are left alone.

## Faulty
```python
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
x = x[torch.randperm(len(x))]
y = y[torch.randperm(len(y))]
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Fixed
```python
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32) / 16
y = torch.tensor(digits.target)
order = torch.randperm(len(x))
x = x[order]
y = y[order]
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(len(x)).split(64):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(loss.item())
```

## Thresholds
`examples`: fewest from which on nothing can be told from little. `spreads`: standard deviations (of the score with
permuted targets) from which on there is something; that is sure from `sure` on. `gain`: how much of what guessing
leaves open (of the variance, for numbers) a nearest neighbour may reach at most, with `spreads` added; `strong`: at
least, where there is something. `walk`: likeness of successive examples from
which on they are a series, in which neighbours belong to each other anyway. `comings`: second comings of examples.

## References
B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", 2010. C. Northcutt, A. Athalye and J. Mueller,
"Pervasive label errors in test sets destabilize machine learning benchmarks", 2021.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Association, DataGlanced, Place
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules.batches import Batches
from seatrial.rules.graph import Graph
from seatrial.rules.pairings import pairings
from seatrial.rules.reorders import one_sided
from seatrial.rules.resolve import Step
from seatrial.rules.source import place_of
from seatrial.rules.syntax import tail
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "data.misaligned-labels"
EXPLAINS = (
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.overfitting",
    "optimisation.learning-rate-too-low",
    "optimisation.learning-rate-too-high",
    "optimisation.noisy-loss",
    "optimisation.cannot-overfit-subset",
    "model.constant-output",
    "model.input-ignored",
)
# Programs that mean it: networks that learn random labels by heart, tests against chance.
_MEANT = re.compile(
    r"(random|noise|fake|permuted)[_ -]?(ly )?(labels?|targets?)\b|(labels?|targets?)[_ -]?(random|noise)|memori[sz]"
    r"|(permutation|randomi[sz]ation)[_ -]tests?|null[_ -](model|distribution)|rademacher",
    re.IGNORECASE,
)
_DRAWS = frozenset("randint rand randn random normal uniform integers choice choices bernoulli multinomial".split())
# Lines that move targets or inputs along, and those that may.
_MOVES = re.compile(r"roll\(|shift\(|append|pop\(|insert|skip|header|next\(")
_SLICES = re.compile(r"\[\s*-?\w+\s*:|:\s*-\w+\s*\]")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """examples, comings: numbers of them. spreads, sure: standard deviations. gain, strong, walk: shares (0..1). generalised: a
    loss on new examples, as a share of the first one or of guessing, below which the network has learned after all."""

    examples: int = 200
    spreads: float = 3.0
    sure: float = 8.0
    gain: float = 0.15
    strong: float = 0.3
    walk: float = 0.3
    comings: int = 60
    generalised: float = 0.8


@dataclass(frozen=True, slots=True)
class Cause:
    """What speaks for it, besides that nothing is associated."""

    message: str
    places: tuple[Place, ...]
    confidence: float
    figures: dict[str, float]


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """At most one finding: training examples that have nothing to do with their targets, and why."""
    glanced = [each for each in run.every(DataGlanced) if each.phase == "training"]
    seen = max(glanced, key=lambda each: each.examples, default=None)
    if seen is None or not _nothing(seen, limits) or not Training(run).supervised:
        return
    batches = Batches(run)
    if not batches.inputs or not batches.targets or _MEANT.search(batches.text()):
        return
    if _generalises(run, limits) or _learns(run, batches, limits):
        return
    inputs, targets = batches.ways(batches.inputs[0]), batches.ways(batches.targets[0])
    for cause in (
        _redrawn(batches, inputs, targets, limits),
        _reordered(inputs, targets),
        _shifted(run, seen, inputs, targets, limits),
        _unlike_evaluation(run, seen, inputs, targets, limits),
    ):
        if cause is not None:
            yield _finding(run, batches, seen, cause)
            return


# ---- the examples themselves -------------------------------------------------------------------------------------


def _nothing(seen: DataGlanced, limits: Thresholds) -> bool:
    """Whether no simple learner answers better than by chance, with examples enough to say so."""
    tests = (seen.nearest, seen.nearest_in_batch, seen.linear, seen.single)
    near = seen.nearest
    reachable = (near.score + limits.spreads * near.spread - near.chance) / max(1e-9, 1 - near.chance)
    explained = reachable if seen.classes else reachable**2
    return (
        seen.examples >= limits.examples
        and all(_deviations(test) < limits.spreads for test in tests)
        and explained < limits.gain
    )


def _deviations(test: Association) -> float:
    return (test.score - test.chance) / max(test.spread, 1e-9)


def _generalises(run: Run, limits: Thresholds) -> bool:
    """Whether the network answers evaluation data: then there was something to be learned that no simple learner sees."""
    losses: dict[str, list[float]] = {}
    for each in run.passes:
        for name, value in each.losses.items():
            losses.setdefault(f"{name} {each.label}", []).append(value)
    return any(
        values[0] > 0 and min(values[1:], default=math.inf) < limits.generalised * values[0]
        for name, values in losses.items()
        if not name.endswith(" train")
    )


def _learns(run: Run, batches: Batches, limits: Thresholds) -> bool:
    """Whether the network answers examples that it sees for the first time: whether the cross-entropy is below the
    entropy of the classes by the end of the first pass."""
    counts = batches.classes
    total = sum(counts.values())
    first = Training(run).values[: batches.epoch]
    if not total or "cross_entropy" not in Training(run).loss_ops or len(first) < 8:
        return False
    entropy = -sum(count / total * math.log(count / total) for count in counts.values())
    last = first[-max(4, len(first) // 4) :]
    return sum(last) / len(last) < limits.generalised * entropy


# ---- what else speaks for it -------------------------------------------------------------------------------------


def _redrawn(batches: Batches, inputs: list[Step], targets: list[Step], limits: Thresholds) -> Cause | None:
    """Examples that come again with any other class."""
    found = pairings(batches, exact=False)
    if found is None or found.comings < limits.comings:
        return None
    error = math.sqrt(found.chance * (1 - found.chance) / found.comings)
    if found.agreement > found.chance + limits.spreads * error or found.chance > 0.75 or _drawn(targets):
        return None
    ours, theirs = one_sided(inputs, targets)
    return Cause(
        f"an example that comes again has the class that it had before in {found.agreement:.0%} of {found.comings} cases, "
        f"where chance gives {found.chance:.0%}",
        tuple(each.place for each in (*ours, *theirs)),
        0.95,
        {"same_class_again": found.agreement, "same_class_by_chance": found.chance},
    )


def _reordered(inputs: list[Step], targets: list[Step]) -> Cause | None:
    """A reordering in the source of one of them alone."""
    ours, theirs = one_sided(inputs, targets)
    if not inputs or not targets or not (ours or theirs) or _drawn(targets):
        return None
    both = "inputs and targets are each put into an order of their own"
    one = f"{'inputs' if ours else 'targets'} are put into another order without the {'targets' if ours else 'inputs'}"
    places = sorted({each.place for each in (*ours, *theirs)}, key=lambda place: (place.file, place.line))
    return Cause(both if ours and theirs else one, tuple(places), 0.94, {})


def _shifted(run: Run, seen: DataGlanced, inputs: list[Step], targets: list[Step], limits: Thresholds) -> Cause | None:
    """Targets that belong to inputs some places away, in the order in which examples came."""
    others = [each for each in run.every(DataGlanced) if each.model == seen.model and each.phase != seen.phase]
    moved = next((each for each in (seen, *others) if _moved(each, limits)), None)
    if moved is None or _recurrent(run):
        return None
    places = abs(moved.shift)
    lines = [place_of(file, file.statement(node)) for file, node in (*targets, *inputs)]
    data = "" if moved is seen else "in the evaluation, "
    return Cause(
        f"{data}with the target of the example {places} place{'s' if places > 1 else ''} "
        f"{'later' if moved.shift > 0 else 'earlier'} the nearest other example is right {_in_words(moved, moved.shifted)}",
        distinct(place for pattern in (_MOVES, _SLICES) for place in lines if pattern.search(run.line(place))),
        0.93,
        {"shift": moved.shift, "nearest_neighbour_shifted": moved.shifted.score},
    )


def _moved(seen: DataGlanced, limits: Thresholds) -> bool:
    """Whether targets belong to other inputs than those that they come with, of examples that are no series."""
    return _deviations(seen.nearest) < limits.spreads and _strong(seen.shifted, limits) and seen.alike < limits.walk


def _strong(test: Association, limits: Thresholds) -> bool:
    return _deviations(test) >= limits.sure and test.score - test.chance > limits.strong * (1 - test.chance)


def _unlike_evaluation(
    run: Run, seen: DataGlanced, inputs: list[Step], targets: list[Step], limits: Thresholds
) -> Cause | None:
    """Examples of the evaluation that can be answered, of the same kind and no more of them."""
    for other in run.every(DataGlanced):
        alike = other.model == seen.model and (other.classes > 0) == (seen.classes > 0)
        near = other.nearest
        if other.phase != "evaluation" or not alike or other.examples > 2 * seen.examples or _drawn(targets):
            continue
        if _strong(near, limits):
            lines = [place_of(file, file.statement(node)) for file, node in (*targets, *inputs)]
            return Cause(
                f"for examples of the evaluation the nearest other example is right {_in_words(other, near)}",
                distinct(lines)[-3:],
                0.88,
                {"nearest_neighbour_in_evaluation": near.score},
            )
    return None


def _drawn(targets: list[Step]) -> bool:
    """Whether targets are random draws of the program's own, and nothing but that."""
    for _, node in targets:
        if isinstance(node, ast.BinOp) and not any(isinstance(part, ast.Constant) for part in (node.left, node.right)):
            return False
        if isinstance(node, ast.Call) and (tail(node.func) in _DRAWS or _of_a_distribution(node)):
            return True
    return False


def _of_a_distribution(call: ast.Call) -> bool:
    """`policy.sample()`; not `frame.sample(frac=1)`."""
    return tail(call.func) in ("sample", "rsample") and not call.args and not call.keywords


def _recurrent(run: Run) -> bool:
    """Whether the network remembers from one position to the next: then a target may belong to an earlier input."""
    recurrent = ("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "scaled_dot_product_attention")
    return any(True for graph in run.training_graphs[:2] for _ in Graph(graph).calls(*recurrent))


# ---- the finding -------------------------------------------------------------------------------------------------


def _in_words(seen: DataGlanced, test: Association) -> str:
    if seen.classes:
        return f"in {test.score:.0%} of the cases"
    return f"with a correlation of {test.score:.2f}"


def _finding(run: Run, batches: Batches, seen: DataGlanced, cause: Cause) -> Finding:
    near, line = seen.nearest, seen.linear
    chance = f"{near.chance:.0%}" if seen.classes else f"{near.chance:.2f}"
    right = f"{near.score:.0%}" if seen.classes else f"{near.score:.2f}"
    fitted = f"{line.score:.0%}" if seen.classes else f"{line.score:.2f}"
    measure = "right answers" if seen.classes else "correlation"
    message = (
        f"Targets have nothing to do with their inputs: over {seen.examples} training examples a nearest neighbour reaches "
        f"{right} and a linear model {fitted} ({measure}), where permuted targets give {chance}; {cause.message}."
    )
    evidence = {
        "examples": seen.examples,
        "nearest_neighbour": near.score,
        "linear_model": line.score,
        "permuted_targets": near.chance,
        "p": min(near.p, line.p, seen.single.p),
        **cause.figures,
    }
    use = [*batches.lineage(batches.targets[0])[:1], batches.targets[0].where]
    return Finding(
        NAME,
        "error",
        message,
        distinct([*cause.places[:4], *use]),
        {**evidence},
        "Reorder inputs and targets by one and the same permutation, or keep each pair in one data set.",
        EXPLAINS,
        cause.confidence,
    )
