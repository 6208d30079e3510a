"""The loss does not fit the targets.

## What it finds
Squared error on class numbers; cross-entropy on targets that are no distribution; binary cross-entropy on targets outside of 0..1;
margin losses on targets 0 and 1 where they expect -1 and 1; a KL divergence of probabilities where log-probabilities are expected, or
with its arguments swapped; a quantity that is to be large (log-likelihood, overlap, similarity) made small, or the reverse.

## Why it harms
Squared error on class numbers says that class 3 lies between 2 and 4. A loss with the wrong sign or on the wrong scale of targets
falls while the network gets worse.

## How it is recognised
From the targets that meet the loss in the recorded steps (range, whole numbers, sums over classes) and from the sign with which each
term enters the loss, followed from its root. Where a whole number may be a count as well as a class, the program's own words
decide (an accuracy, a number of classes); without them it is a note. Losses of several terms that pull in different directions
(adversarial training, entropy bonuses) are left alone.

## What it cannot see
What the author wants of the network.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
labels = (x @ torch.randn(8, 4)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.mse_loss(model(x[rows]).squeeze(1), labels[rows].float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
accuracy = (model(x).squeeze(1).round() == labels).float().mean()
print(f"accuracy {accuracy:.2f}")
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
labels = (x @ torch.randn(8, 4)).argmax(1)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    accuracy = (model(x).argmax(1) == labels).float().mean()
print(f"accuracy {accuracy:.2f}")
```

## Thresholds
`most_classes`: greatest number of classes that whole numbers are taken for; `tolerance`: for bounds and sums.

## References
Bishop, Pattern Recognition and Machine Learning, 2006, section 4.1.3 (least squares for classification); PyTorch documentation of
KLDivLoss (input in log space) and of SoftMarginLoss (targets of -1 and 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seatrial.events import Node
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.class_numbers import one_a_row, speaks_of_classes, was_whole
from seatrial.rules.goals import goals
from seatrial.rules.graph import LOSS_OPS, Graph
from seatrial.rules.losses import REGRESSIONS, is_square_of, meetings
from seatrial.rules.patterns import integral, operands, shape, softmax_at, wants_gradient
from seatrial.rules.where import lines

NAME = "model.wrong-loss-for-task"
EXPLAINS = (
    "model.initial-loss-off",
    "model.output-size-mismatch",
    "model.output-activation",
    "model.constant-output",
    "optimisation.underfitting",
    "optimisation.loss-not-decreasing",
    "optimisation.exploding-gradient",
    "optimisation.non-finite-loss",
    "optimisation.cannot-overfit-subset",
)
_SIGNED_TARGETS = ("hinge_embedding_loss", "soft_margin_loss", "margin_ranking_loss", "cosine_embedding_loss")


@dataclass(frozen=True)
class Thresholds:
    """most_classes: more different whole numbers than this look like a count. tolerance: absolute, for bounds and sums."""

    most_classes: int = 30
    tolerance: float = 1e-3


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """Losses that do not fit their targets, once for each line."""
    said: set[object] = set()
    for number, seen in enumerate(run.training_graphs):
        graph = Graph(seen)
        found = [finding for judge in _JUDGES for finding in judge(run, graph, limits)]
        found += _wrong_sides(run, graph) if number < 3 else []
        for finding in found:
            if finding.where[:1] not in said:
                said.add(finding.where[:1])
                yield finding


def _wrong(
    run: Run, node: Node, message: str, remedy: str, confidence: float, *also: Node, severity: str = "error"
) -> Finding:
    stats = {f"target_{key}": also[0].stats[key] for key in ("min", "max") if also and key in also[0].stats}
    kind = "error" if severity == "error" else "warning" if severity == "warning" else "note"
    where = lines(run, node, callers=True)
    return Finding(NAME, kind, message, where, {"loss": node.op, **stats}, remedy, EXPLAINS, confidence)


# ---- whole numbers under a squared error -------------------------------------------------------------------------


def _class_numbers(run: Run, graph: Graph, limits: Thresholds) -> Iterator[Finding]:
    for meeting in meetings(graph):
        node, target = meeting.node, meeting.target
        if node.op not in REGRESSIONS and not _is_squared(graph, node):
            continue
        if not one_a_row(meeting.prediction, target) or not was_whole(graph, target):
            continue
        low, high = target.stats.get("min", 0.0), target.stats.get("max", 0.0)
        named = {name for batch in run.batches if batch.role == "target" for name in batch.histogram}
        classes = max(round(high) + 1, len(named))
        if low < 0 or not 3 <= classes <= limits.most_classes:
            continue
        sure = speaks_of_classes(run)
        message = (
            f"{node.op if node.op in REGRESSIONS else 'A squared or absolute error'} compares each output with whole-number "
            f"targets from 0 to {classes - 1} that were integers: they look like class numbers."
        )
        remedy = f"If they are classes, use {classes} outputs and cross-entropy."
        yield _wrong(run, node, message, remedy, 0.85 if sure else 0.4, target, severity="warning" if sure else "note")


def _is_squared(graph: Graph, difference: Node) -> bool:
    followers = graph.consumers(difference)
    return any(is_square_of(graph, follower) is not None for follower in followers)


# ---- targets on the wrong scale ----------------------------------------------------------------------------------


def _distributions(run: Run, graph: Graph, limits: Thresholds) -> Iterator[Finding]:
    """Cross-entropy with targets given as numbers for each class."""
    for loss in graph.calls("cross_entropy"):
        scores, target = graph.source(loss, 0, "input"), graph.source(loss, 1, "target")
        if scores is None or target is None or integral(target) or not wants_gradient(scores) or wants_gradient(target):
            continue
        stats = target.stats
        if len(shape(scores)) == 1 and len(shape(target)) == 1 and _rows(graph) == shape(scores)[0]:
            message = (
                f"cross_entropy takes logits of shape {list(shape(scores))} for one example with {shape(scores)[0]} classes, "
                "but they are one output for each example of the batch."
            )
            yield _wrong(
                run, loss, message, "Use binary_cross_entropy_with_logits for one output, or K outputs.", 0.93, target
            )
        elif shape(scores)[1:2] != (1,) and _is_many_hot(stats, limits):
            message = "cross_entropy takes targets that name several classes at once: they are no distribution over the classes."
            remedy = "Use binary_cross_entropy_with_logits for independent labels."
            yield _wrong(run, loss, message, remedy, 0.85, target, severity="warning")


def _rows(graph: Graph) -> int:
    return max((shape(leaf)[0] for leaf in graph.leaves("input") if len(shape(leaf)) > 1), default=0)


def _is_many_hot(stats: dict[str, float], limits: Thresholds) -> bool:
    if stats.get("integers", 0.0) < 1.0 or stats.get("min", -1.0) < 0 or stats.get("max", 2.0) > 1:
        return False
    return stats.get("class_sum_max", stats.get("sum_max", 1.0)) > 1 + limits.tolerance


def _binary(run: Run, graph: Graph, limits: Thresholds) -> Iterator[Finding]:
    for loss in graph.calls("binary_cross_entropy", "binary_cross_entropy_with_logits"):
        target = graph.source(loss, 1, "target")
        if (
            target is None
            or "min" not in target.stats
            or wants_gradient(target)
            or loss.index not in graph.differentiable
        ):
            continue
        low, high = target.stats["min"], target.stats["max"]
        if low < -limits.tolerance or high > 1 + limits.tolerance:
            message = (
                f"{loss.op} takes targets between {decimal(low, 3)} and {decimal(high, 3)}; it is defined for 0 to 1."
            )
            remedy = "Map the targets to 0..1, or use the loss of their kind (cross-entropy for classes, squared error for quantities)."
            yield _wrong(run, loss, message, remedy, 0.96, target)


def _signed(run: Run, graph: Graph, limits: Thresholds) -> Iterator[Finding]:
    """Margin losses expect -1 and 1."""
    for loss in graph.calls(*_SIGNED_TARGETS):
        position = 1 if loss.op in ("hinge_embedding_loss", "soft_margin_loss") else 2
        target = graph.source(loss, position, "target")
        if target is None or target.stats.get("min", -1.0) < 0 or target.stats.get("std", 0.0) == 0:
            continue
        message = f"{loss.op} expects targets of -1 and 1, but they lie between {decimal(target.stats['min'])} and {decimal(target.stats['max'])}."
        yield _wrong(run, loss, message, "Use 2 * target - 1.", 0.95, target)
    for node in graph.calls("clamp", "clamp_min", "relu"):
        target = _hinge_target(graph, node)
        if target is not None:
            message = "A hinge loss 1 - target * score is taken with targets 0 and 1; it is meant for -1 and 1."
            yield _wrong(run, node, message, "Use 2 * target - 1.", 0.9, target)


def _hinge_target(graph: Graph, node: Node) -> Node | None:
    """The targets of a hand-written hinge loss, where they are 0 and 1."""
    inner = graph.source(node, 0, "input")
    if inner is None or inner.op not in ("rsub", "sub") or node.index not in graph.differentiable:
        return None
    one, product = operands(graph, inner)
    if one != 1.0 or not isinstance(product, Node) or product.op != "mul":
        return None
    for source in graph.inputs(product):
        given = source.role == "target" or graph.back(source).role == "target"
        stats = source.stats
        if given and stats.get("min") == 0 and stats.get("max") == 1 and stats.get("integers", 0) == 1:
            return source
    return None


def _divergences(run: Run, graph: Graph, limits: Thresholds) -> Iterator[Finding]:
    """KL divergence takes log-probabilities first and probabilities second; Poisson loss the logarithm of the rate."""
    for loss in graph.calls("kl_div"):
        given, target = graph.source(loss, 0, "input"), graph.source(loss, 1, "target")
        if given is None or target is None or loss.index not in graph.differentiable:
            continue
        logarithmic = graph.argument(loss, 5, "log_target", False) is True
        softmax = softmax_at(graph, graph.back(given))
        probabilities = given.stats.get("min", -1.0) >= 0 or (softmax is not None and not softmax.log)
        low = target.stats.get("min", 0.0 if not logarithmic else -1.0)
        if probabilities and max(shape(given), default=1) > 1:
            swapped = " (and log-probabilities as the target: the arguments are swapped)" if low < 0 else ""
            message = f"kl_div expects log-probabilities as its input but receives probabilities{swapped}."
            yield _wrong(run, loss, message, "Call kl_div(log_softmax(scores), probabilities).", 0.96)
        elif graph.back(given).op in ("linear", "conv2d", "conv1d"):
            message = "kl_div expects log-probabilities as its input but receives raw scores."
            yield _wrong(run, loss, message, "Take log_softmax of the scores first.", 0.93)
        elif not logarithmic and low < -limits.tolerance:
            message = "kl_div takes log-probabilities or raw scores as its target, where it expects probabilities."
            yield _wrong(run, loss, message, "Give probabilities, or say log_target=True.", 0.93)
    for loss in graph.calls("poisson_nll_loss"):
        rate = graph.source(loss, 0, "input")
        maker = graph.back(rate) if rate is not None else None
        if maker is not None and maker.op in ("exp", "softplus") and graph.argument(loss, 2, "log_input", True) is True:
            message = f"poisson_nll_loss takes the logarithm of a rate, but receives the result of {maker.op}, a rate."
            yield _wrong(run, loss, message, "Say log_input=False, or leave the activation out.", 0.9)


_JUDGES: tuple[Callable[[Run, Graph, Thresholds], Iterator[Finding]], ...] = (
    _class_numbers,
    _distributions,
    _binary,
    _signed,
    _divergences,
)


# ---- the wrong way round -----------------------------------------------------------------------------------------


def _wrong_sides(run: Run, graph: Graph) -> Iterator[Finding]:
    """Terms that pull away from their targets, where all terms of the loss that have a right side have the wrong one."""
    known = goals(graph)
    if not known or not all(goal.wrong for goal in known):
        return
    goal = known[0]
    verb = "large" if goal.falls else "small"
    message = f"The loss makes {goal.what} {verb}: it enters with {'a minus' if goal.falls else 'no minus'} sign."
    node = goal.term.node
    finding = _wrong(run, node, message, "Change the sign of the loss (or use 1 - x for a share).", 0.93)
    root = graph.node(graph.seen.outputs[0])
    where = tuple(dict.fromkeys((*lines(run, root), *finding.where))) if node.op not in LOSS_OPS else finding.where
    yield Finding(NAME, "error", message, where, finding.evidence, finding.remedy, EXPLAINS, 0.93)
