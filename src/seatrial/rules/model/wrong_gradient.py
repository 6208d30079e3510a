"""A hand-written backward pass is wrong.

## What it finds
A custom `torch.autograd.Function` whose `backward` does not compute the derivative of its `forward`: a forgotten incoming
gradient, a factor or a sign, a missing 1/N, a transpose, a missing sum over a broadcast axis, a mask, a path left out.

## Why it harms
Nothing fails: the optimizer follows the wrong direction, all layers below get what is made of it, and the network learns
badly or not at all. Architecture and learning rate are blamed for it.

## How it is recognised
By an experiment after the run. Each custom function that a recorded step called is computed anew by itself, in float64, on the
inputs that it really got, and its gradients are compared with central differences of its forward pass, element by
element, each with an error bar. Elements where a kink or a jump lies are left out. If one known slip explains the difference (the
ratio is constant, the numbers stand in other places, the gradient is that without one path, ...), the message names it.
Meant are a gradient through a function that is constant but for its jumps (rounding, spikes: straight-through and surrogate
gradients), through a clamp, and one that a function which returns its input as it is changes (reversal, scaling,
clipping): these are notes. So are small differences that no slip explains, as iterative solutions have them, and a backward
pass that limits what it returns.
`seatrial check` also compares the gradients of the whole network, untrained and after some steps, without dropout and
with it; what differs there and is no custom function's is a note.

## What it cannot see
Functions that do not work in float64 or fail when called again; gradients changed by hooks; parts of an input that were not
drawn among the elements looked at; branches that no recorded step took. `seatrial.check_gradients` checks a layer alone.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()


class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * torch.sigmoid(-x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(8, 32), nn.Linear(32, 2)

    def forward(self, x):
        return self.out(Softplus.apply(self.hidden(x)))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(256).split(32):
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
x = torch.randn(256, 8)
y = (x[:, 0] * x[:, 1] > 0).long()


class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * torch.sigmoid(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(8, 32), nn.Linear(32, 2)

    def forward(self, x):
        return self.out(Softplus.apply(self.hidden(x)))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
```

## Thresholds
`small`: relative difference of the whole gradient that an approximation may have.

## References
Griewank and Walther, Evaluating Derivatives, 2008; PyTorch documentation, *Extending torch.autograd* and *Gradcheck mechanics*;
Bengio et al., Estimating or Propagating Gradients Through Stochastic Neurons, 2013 (straight-through).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import GradientChecked, Place, StepChecked
from seatrial.findings import Edit, Finding, Mend, Severity
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.rules.graph import Graph
from seatrial.rules.source import file_of, place_of
from seatrial.rules.syntax import File, Function, root
from seatrial.rules.where import distinct

NAME = "model.wrong-gradient"
EXPLAINS = (
    "model.constant-output",
    "model.dead-units",
    "model.saturated-activations",
    "optimisation.loss-not-decreasing",
    "optimisation.underfitting",
    "optimisation.cannot-overfit-subset",
    "optimisation.exploding-gradient",
    "optimisation.vanishing-gradient",
    "optimisation.non-finite-loss",
    "optimisation.noisy-loss",
    "optimisation.update-ratio-off",
)
# Kinds that are limits put on a gradient rather than slips.
_LIMITS = ("not linear",)
# Names of functions that say that their gradient is another one on purpose.
_MEANT = re.compile(
    r"straight|_?STE(?![a-z])|_ste\b|^ste|surrogate|revers|pass_?through|with_?grad|grad_?(scal|clip|mod)|fake_?quant",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """small: relative to the gradient's norm; fixed points solved to a tolerance and adjoint solvers differ by up to a few
    per cent from the differences of what they return."""

    small: float = 0.05


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    """One finding a function: of the input with the gravest difference."""
    wrong: dict[str, list[GradientChecked]] = {}
    for seen in run.every(GradientChecked):
        if seen.differing:
            wrong.setdefault(seen.function, []).append(seen)
    for found in wrong.values():
        worst = min(found, key=lambda seen: (_severity(seen, limits) != "error", -seen.overall))
        yield _finding(run, worst, _severity(worst, limits), [each for each in found if each.name != worst.name])
    if not wrong:
        yield from _of_the_whole(run)


def _of_the_whole(run: Run) -> Iterator[Finding]:
    """A step whose gradients differ though no custom function of its own does: worth a look, no more."""
    for seen in run.every(StepChecked):
        if seen.differing:
            call = run.calls.get(seen.call)
            yield Finding(
                NAME,
                "note",
                f"The gradient of the loss with respect to {seen.worst} is not that of central differences: {seen.sentence}.",
                distinct([call.where if call is not None else None]),
                {"tensor": seen.worst, "relative_error": seen.relative_error, "differing": seen.differing},
                "See what the step does with gradients on the way: functions with a backward of their own, hooks, in-place calls.",
                confidence=0.5,
            )
            return


def _severity(seen: GradientChecked, limits: Thresholds) -> Severity:
    meant = seen.deliberate or seen.slip in _LIMITS or _MEANT.search(seen.function)
    approximate = seen.slip == "other" and seen.overall < limits.small
    return "note" if meant or approximate else "error"


def _finding(run: Run, seen: GradientChecked, severity: Severity, others: list[GradientChecked]) -> Finding:
    also = sorted({f"`{each.name}`" for each in others if not each.deliberate})
    message = (
        f"The gradient that {seen.function}.backward returns for `{seen.name}` is not that of its forward pass: "
        f"{seen.sentence}. At one element it is {decimal(seen.analytic, 6)}, but the central difference is {decimal(seen.numeric, 6)} "
        f"(±{decimal(seen.error, 1)}); {seen.differing} of {seen.elements} elements differ."
    )
    if also and severity == "error":
        message += f" That for {', '.join(also)} differs too."
    if severity == "note":
        message = f"{seen.function}.backward returns for `{seen.name}` another gradient than that of its forward pass: {seen.sentence}."
    evidence = {
        "function": seen.function,
        "argument": seen.name,
        "kind": seen.slip,
        "analytic": seen.analytic,
        "numeric": seen.numeric,
        "error_bar": seen.error,
        "relative_error": seen.relative_error,
        "elements": seen.elements,
        "differing": seen.differing,
    }
    remedy = (
        f"Correct the expression that {seen.function}.backward returns for `{seen.name}`, and verify it with "
        "seatrial.check_gradients; or leave out the custom function and let autograd differentiate the forward pass."
    )
    explains = EXPLAINS if severity == "error" else ()
    confidence = 0.97 if severity == "error" else 0.5
    return Finding(NAME, severity, message, _places(run, seen), dict(evidence), remedy, explains, confidence)


def mend(run: Run, finding: Finding, graph: Graph) -> Mend | None:
    """Autograd differentiates the forward pass."""
    name = finding.evidence["function"]
    calls = [node.index for node in graph if node.op == f"apply:{name}"]
    if finding.severity != "error" or not calls:
        return None
    return Mend(f"backward of {name} by autograd", tuple(Edit(index, "open") for index in calls))


# ---- the line to change --------------------------------------------------------------------------------------------


def _places(run: Run, seen: GradientChecked) -> tuple[Place, ...]:
    """Where the gradient of the argument is computed in the backward pass, then where it is returned, then the call."""
    file = file_of(run, seen.where.file) if seen.where is not None else None
    backward = _function_at(file, seen.where) if file is not None and seen.where is not None else None
    if file is None or backward is None:
        return distinct([seen.where, seen.called])
    found: list[ast.AST] = []
    for statement in _returns(backward):
        value = _returned(statement, seen.argument)
        if isinstance(value, ast.Name):
            found += reversed(_made(backward, value.id))
        found.append(value if value is not None else statement)
    return distinct([*(place_of(file, node) for node in found), place_of(file, backward), seen.called])


def _function_at(file: File, place: Place) -> Function | None:
    """The function of that name which begins on a line, or on the line of its first decorator."""
    for function in file.functions.get(place.function, []):
        if place.line in (function.lineno, *(each.lineno for each in getattr(function, "decorator_list", []))):
            return function
    return None


def _returns(function: Function) -> list[ast.Return]:
    return [node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]


def _returned(statement: ast.Return, argument: int) -> ast.expr | None:
    """The part of what is returned that belongs to an argument."""
    value = statement.value
    if not isinstance(value, ast.Tuple):
        return value
    plain = argument < len(value.elts) and not any(isinstance(each, ast.Starred) for each in value.elts)
    return value.elts[argument] if plain else value


def _made(function: Function, name: str) -> list[ast.AST]:
    """Statements of a function that give a name its value or change it, in order."""
    found: list[ast.AST] = []
    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign)) else targets
        parts = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
        if any(root(part) == name for part in parts):
            found.append(node)
    return sorted(found, key=lambda node: getattr(node, "lineno", 0))
