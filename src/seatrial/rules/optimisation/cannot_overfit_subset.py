"""The network cannot drive the loss of a few examples to zero.

## What it finds
A network that, trained alone on one, five and twenty examples of a recorded batch, without dropout and weight decay, stays
near the loss of a constant answer.

## Why it harms
What cannot be learned by heart will not be learned at all: a part is cut off, answers cannot reach the targets, the
network is too small, or inputs carry nothing.

## How it is recognised
After the script has ended copies of the network are trained with Adam at the best of three rates on one, five and twenty
examples and on the whole batch, from the parameters of the recorded step. Beside them twins: the same examples with
their targets shuffled, and with inputs of zero. The loss is compared with that of the best constant answer for the batch,
both above what the targets leave to every answer: nobody predicts a probability of one half, or a shade of grey by binary
cross-entropy, without a loss.
Not even one example learned is a mistake on the way from input to loss. One but not twenty is too little capacity, or
one class score that cannot be reached. No better than with inputs of zero: nothing of the inputs arrives.
Only losses that compare predictions with given targets are judged, and only networks that treat examples one by one.

## What it cannot see
Networks that need far more than some hundred steps for twenty examples; those that draw random numbers on the way to the
loss, other than for dropout (variational autoencoders).

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x @ torch.randn(16, 8)).argmax(1)
model = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 8))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        logits = 0.2 * torch.tanh(model(x[rows]))
        loss = nn.functional.cross_entropy(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x @ torch.randn(16, 8)).argmax(1)
model = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 8))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(10):
    for rows in torch.randperm(256).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
```

## Thresholds
`failed`: share of the best constant's loss above which a rung has failed (41 healthy programs lie below 0.4). `passed`:
share below which one has passed. `least_steps`: fewer steps on a rung tell nothing.

## References
A. Karpathy, "A Recipe for Training Neural Networks", 2019: "overfit one batch".
C. Zhang et al., "Understanding deep learning requires rethinking generalization", ICLR 2017 (shuffled targets).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import Overfitted, Rung
from seatrial.findings import Figure, Finding, Severity
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.training import Training
from seatrial.rules.where import distinct

NAME = "optimisation.cannot-overfit-subset"
EXPLAINS = ("optimisation.underfitting", "optimisation.loss-not-decreasing")


@dataclass(frozen=True)
class Thresholds:
    """failed and passed: shares (0..1) of the best constant's loss. least_steps: number of steps."""

    failed: float = 0.6
    passed: float = 0.3
    least_steps: int = 40


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """What the ladder of small subsets shows of the main loss."""
    training = Training(run)
    if not training.supervised or any(probe.share > 0 for probe in run.probes("mixing")):
        return
    for tried in run.every(Overfitted):
        said = _judged(tried, limits) if tried.call == training.call else None
        if said is None:
            continue
        severity, sentence, remedy = said
        evidence: dict[str, Figure] = {"best_constant": tried.constant}
        evidence |= {f"{rung.examples} examples, {rung.kind}": rung.loss for rung in tried.rungs}
        models = [model.called for model in run.models.values()]
        where = distinct([*models[:1], training.backward])
        yield Finding(NAME, severity, sentence, where, evidence, remedy, EXPLAINS, 0.7)


def _judged(tried: Overfitted, limits: Thresholds) -> tuple[Severity, str, str] | None:
    """Which rungs failed, and what that tells: severity, message, remedy."""
    few = [rung for rung in tried.rungs if rung.kind == "as it is" and rung.examples <= 20]
    if len(few) < 2 or any(outcome(rung, tried, limits) == "too few steps" for rung in few):
        return None
    shares = {rung.examples: _share(rung, tried) for rung in few}
    losses = {rung.examples: rung.loss for rung in few}
    most = max(shares)
    blank = next((_share(rung, tried) for rung in tried.rungs if rung.kind == "inputs of zero"), None)
    against = f"where one constant answer gives {decimal(tried.constant, 3)}"
    if min(shares.values()) > limits.failed:
        sentence = f"Not even {min(shares)} example can be learned by heart: the loss stays at {decimal(few[0].loss, 3)}, {against}."
        return (
            "warning",
            sentence,
            "Look for what is cut off, saturated or out of reach between the input and the loss.",
        )
    if shares[most] <= limits.failed:
        return None
    sentence = f"{most} examples cannot be learned by heart: the loss stays at {decimal(losses[most], 3)}, {against}"
    if blank is not None and shares[most] > 0.95 * blank:
        return "note", f"{sentence}, no lower than with inputs of zero.", "See whether the inputs reach the loss."
    return (
        "note",
        f"{sentence}; {min(shares)} can.",
        "Widen the network, or see whether its answers can reach all targets.",
    )


def _share(rung: Rung, tried: Overfitted) -> float:
    """The loss of a rung as a share of the best constant's, both above what no answer can avoid."""
    return (rung.loss - rung.least) / (tried.constant - tried.least)


def outcome(rung: Rung, tried: Overfitted, limits: Thresholds | None = None) -> str:
    """passed | failed | in part | too few steps: how the examples of a rung were learned, against the loss of the best
    constant answer."""
    limits = limits or Thresholds()
    share = _share(rung, tried)
    if share <= limits.passed:
        return "passed"
    if rung.steps < limits.least_steps:
        return "too few steps"
    return "failed" if share > limits.failed else "in part"
