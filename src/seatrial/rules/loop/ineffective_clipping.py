"""loop.ineffective-clipping: gradients are clipped where it has no effect, or other parameters are clipped.

## What it finds
Clipping before the backward pass or after the step, of parameters that no optimizer steps, or of nothing at all (a generator
of parameters that the optimizer has used up). Gradients limited by hand whose result is thrown away.

## Why it harms
The guard against exploding gradients is not there, and the first large gradient shows it.

## How it is recognised
For each optimizer the order of backward pass, clipping, step and clearing is followed: clipping counts if it comes after
the last backward pass and before the step, on parameters that the optimizer holds.

## What it cannot see
Clipping written by hand, but for a result that is thrown away. Calls with an infinite or very large bound are there to
measure the norm, and are passed over.

## Faulty
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
```

## Fixed
```python
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
for epoch in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
```

## Thresholds
`calls`: so many calls, at least. `effective`: share of the steps up to which clipping that takes effect is taken for chance.
`bound`: from this bound on a call only measures.

## References
Pascanu, Mikolov, Bengio, *On the difficulty of training recurrent neural networks*, ICML 2013.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.events import CallSeen, Clips, Place
from seatrial.findings import Figure, Finding
from seatrial.history import Run
from seatrial.rules.lines import callers, last_name, named, names_in, nodes
from seatrial.rules.source import file_of, traced
from seatrial.rules.turns import Effects, Made, Window, count, held, places, stepping, windows
from seatrial.rules.where import distinct

NAME = "loop.ineffective-clipping"
EXPLAINS = (
    "optimisation.exploding-gradient",
    "optimisation.non-finite-loss",
    "optimisation.learning-rate-too-high",
    "optimisation.noisy-loss",
    "optimisation.loss-not-decreasing",
)
# Methods that return a new tensor; what ends in "_" writes in place.
_RETURNING = frozenset("clamp clip clamp_max clamp_min mul div multiply divide nan_to_num renorm".split())


@dataclass(frozen=True, slots=True)
class Thresholds:
    """calls: a count; effective: 0..1; bound: in units of the gradient's norm. See the page."""

    calls: int = 5
    effective: float = 0.1
    bound: float = 1e6


def check(run: Run, limits: Thresholds) -> Iterator[Finding]:
    active = stepping(run)
    counts = count(run, "clip")
    calls = {number: run.clips[number] for number in counts if number in run.clips}
    for number, clips in calls.items():
        if counts[number] < limits.calls or clips.bound >= limits.bound or not active:
            continue
        found = (
            _of_nothing(run, number, clips)
            or _of_others(run, number, clips, active, calls)
            or _in_vain(run, number, clips, active, limits)
        )
        if found is not None:
            yield found
    if active:
        yield from _thrown_away(run)


def _thrown_away(run: Run) -> Iterator[Finding]:
    """Gradients limited or scaled by hand, by a function that returns the result, which nobody takes."""
    for file in run.sources:
        for node in nodes(run, file):
            if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
                continue
            call, place = node.value, named(run, Place(file, node.lineno))
            if last_name(call.func) not in _RETURNING:
                continue
            handled = [call.func.value] if isinstance(call.func, ast.Attribute) else []
            if any("grad" in names_in(part) for part in (*handled, *call.args)) and _is_reached(run, place):
                line = run.line(place)
                message = f"`{line}` returns limited gradients and leaves those of the parameters as they are."
                remedy = "Write to the gradient: clamp_(), mul_(), or p.grad = ..."
                yield _finding(message, (place,), {"line": line}, remedy, 0.93)
                return


def _is_reached(run: Run, place: Place) -> bool:
    """Whether the function around a line is one of those that train."""
    training = {
        (c.where.file, c.where.function) for c in run.calls.values() if c.where and c.kind in ("backward", "step")
    }
    near = [place, *callers(run, place)]
    return any((each.file, each.function or "<module>") in training for each in near)


def _finding(message: str, where: tuple[Place, ...], evidence: dict[str, Figure], remedy: str, sure: float) -> Finding:
    return Finding(NAME, "error", message, where, evidence, remedy, EXPLAINS, sure)


def _of_nothing(run: Run, number: int, clips: Clips) -> Finding | None:
    if clips.tensors:
        return None
    call = run.calls[number]
    message = "Clipping is handed no parameter at all: what it is given has been used up or is empty."
    evidence: dict[str, Figure] = {"calls": len(clips.ticks), "tensors": 0}
    remedy = "Hand over a list: list(filter(...)), or model.parameters() anew at each call."
    return _finding(message, distinct([*_given(run, call), call.where]), evidence, remedy, 0.98)


def _given(run: Run, call: CallSeen) -> list[Place]:
    """Where what is clipped was made."""
    place = call.where
    file = file_of(run, place.file) if place is not None else None
    if file is None or place is None:
        return []
    for node in nodes(run, place.file):
        if (
            isinstance(node, ast.Call)
            and node.lineno == place.line
            and "clip_grad" in last_name(node.func)
            and node.args
        ):
            own = [n for n in ast.walk(file.tree) if isinstance(n, ast.expr) and _same(n, node.args[0])]
            return [p for n in own[:1] for p in traced(run, file, n)]
    return []


def _same(one: ast.expr, other: ast.expr) -> bool:
    return (one.lineno, one.col_offset, type(one)) == (other.lineno, other.col_offset, type(other))


def _of_others(run: Run, number: int, clips: Clips, active: list[int], calls: dict[int, Clips]) -> Finding | None:
    """Parameters are clipped that no optimizer steps, and those of some optimizer are clipped nowhere."""
    own = frozenset(clips.parameters)
    if not own or any(own & held(run, optimizer) for optimizer in active):
        return None
    bare = [o for o in active if not any(set(other.parameters) & held(run, o) for other in calls.values())]
    if not bare:
        return None
    call = run.calls[number]
    message = (
        f"The {len(own)} parameters that are clipped are in no optimizer that steps; those that train are not clipped."
    )
    evidence: dict[str, Figure] = {"clipped": len(own), "calls": len(clips.ticks)}
    where = distinct([call.where, *_given(run, call), *(run.optimizers[o].where for o in bare[:1])])
    return _finding(message, where, evidence, "Clip the parameters that the optimizer holds.", 0.9)


def _in_vain(run: Run, number: int, clips: Clips, active: list[int], limits: Thresholds) -> Finding | None:
    """Clipping never comes between the last backward pass and the step."""
    effects = Effects(run)
    own = frozenset(clips.parameters)
    called = effective = 0
    sample: tuple[Window, str] | None = None
    for optimizer in active:
        if not own & held(run, optimizer):
            continue
        for window in windows(run, optimizer):
            ones = [m for m in window.made if m.call.call == number]
            if not ones:
                continue
            called += window.weight
            fate = _fate(effects, window, number)
            effective += window.weight if fate == "" else 0
            sample = (window, fate) if fate else sample
    if sample is None or called < limits.calls or effective > limits.effective * called:
        return None
    window, fate = sample
    message = f"In {called - effective} of {called} windows between two steps clipping has no effect: it comes {fate}."
    evidence: dict[str, Figure] = {"calls": len(clips.ticks), "steps": called, "effective": effective}
    backward = [m for m in window.of("backward") if effects.feeds(m.call, window.optimizer)]
    steps = [call for call in run.calls_of("step") if call.subject == window.optimizer]
    where = distinct(places(run.calls[number], *steps, *backward[-1:]))
    return _finding(message, where, evidence, "Clip after the backward pass and before the step.", 0.95)


def _fate(effects: Effects, window: Window, number: int) -> str:
    """Empty where the clipping takes effect in a window, else what is wrong with its place."""
    clipped: Made | None = None
    fed = False
    verdict = "after the step, before the gradients are cleared"
    for one in window.made:
        if one.call.call == number:
            clipped = one
            verdict = verdict if not fed else "where the gradients are cleared before they are used"
        elif effects.feeds(one.call, window.optimizer):
            verdict = "before the backward pass" if clipped is not None else verdict
            clipped, fed = None, True
        elif effects.clears(one.call, window.optimizer):
            if clipped is not None and not fed:
                verdict = "after the step, before the gradients are cleared"
            clipped, fed = None, False
    return "" if clipped is not None and fed and window.closed else verdict
