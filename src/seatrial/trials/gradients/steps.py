"""The custom autograd functions of a recorded step, each checked by itself on inputs that it really got.

What is not custom in a step's backward pass is torch's own; what a script cuts off with detach() is read from its graph.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch

from seatrial.events import GradientChecked, NotLookedAt, Place
from seatrial.numbers import decimal
from seatrial.step.capture import Call
from seatrial.step.recorded import Recorded
from seatrial.trials.gradients.checking import Limits
from seatrial.trials.gradients.conditions import Application, copied, undisturbed
from seatrial.trials.gradients.evaluation import NotCheckable
from seatrial.trials.gradients.layers import of_application
from seatrial.trials.gradients.report import Comparison

# Elements of a tensor that are looked at: so many of them, as far as time allows, at least the fewest.
_MOST_ELEMENTS = 256
_FEWEST_ELEMENTS = 12
# Evaluations that an element may take where something is wrong.
_EVALUATIONS = 10


@dataclass(frozen=True, slots=True)
class _Used:
    """A call of a custom function in a step: its arguments there and, for a scalar result, the gradient that comes in."""

    call: Call
    application: Application
    incoming: torch.Tensor | None


def wrong_gradients(step: Recorded, seconds: float = 2.0) -> Iterator[GradientChecked | NotLookedAt]:
    """Check each custom function of a step on the arguments of its first and its last call.

    Inputs that required a gradient are compared, in float64; random numbers are those of the step. After `seconds` no
    further function is begun, and none takes longer itself. What the functions print is not shown.
    """
    chosen = _chosen(step)
    if not chosen:
        return
    end = time.thread_time() + seconds
    with _silent(), undisturbed():
        uses = _used(step, chosen)
    for used in uses:
        if time.thread_time() > end:
            yield _missed(used, f"{decimal(seconds)} s were used up")
            continue
        with _silent(), undisturbed():
            found = _checked(step, used, seconds / len(chosen), seconds)
        yield from found


def _silent() -> contextlib.redirect_stdout[io.StringIO]:
    return contextlib.redirect_stdout(io.StringIO())


def _checked(step: Recorded, used: _Used, usual: float, most: float) -> list[GradientChecked | NotLookedAt]:
    """The events of one function. It is to take its `usual` seconds and is given up after `most`."""
    weights = None if used.incoming is None else [used.incoming.double()]
    try:
        limits = Limits(_affordable(used.application, usual), most, sweep=True)
        report = of_application(used.application, limits, weights=weights)
    except NotCheckable as reason:
        return [] if "requires a gradient" in str(reason) else [_missed(used, str(reason))]
    except Exception as error:
        return [_missed(used, f"{type(error).__name__}: {str(error)[:200]}")]
    left = [_missed(used, why) for why in report.not_looked_at]
    return [*(_event(step, used, comparison) for comparison in report.comparisons), *left]


def _missed(used: _Used, why: str) -> NotLookedAt:
    return NotLookedAt(f"the gradients of {used.application[0].__name__}", why)


def _chosen(step: Recorded) -> list[Call]:
    """The first and the last call of each custom function that is not torch's own."""
    calls: dict[type, list[Call]] = {}
    for origin in step.program:
        custom = getattr(origin.function, "custom", None) if isinstance(origin, Call) else None
        if custom is not None and not custom.__module__.startswith("torch."):
            assert isinstance(origin, Call)
            calls.setdefault(custom, []).append(origin)
    return [call for found in calls.values() for call in dict.fromkeys((found[0], found[-1]))]


def _used(step: Recorded, chosen: list[Call]) -> list[_Used]:
    """Replay a step and keep what some of its calls get."""
    wanted, got, results = set(map(id, chosen)), dict[int, tuple[Call, tuple[Any, ...]]](), dict[int, torch.Tensor]()

    def keep(call: Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if id(call) in wanted and not kwargs:
            got[id(call)] = call, tuple(copied(value) for value in args)
        return NotImplemented

    def scalars(call: Call, result: Any) -> None:
        if id(call) in wanted and isinstance(result, torch.Tensor) and result.numel() == 1 and result.requires_grad:
            results[id(call)] = result

    replay = step.whole()
    with torch.enable_grad():
        roots = [root for root in replay(replay.values(), seen=scalars, substitute=keep) if root.requires_grad]
        incoming: Any = (None,) * len(results)
        if roots and results:
            incoming = torch.autograd.grad([root.sum() for root in roots], list(results.values()), allow_unused=True)
    gradients = dict(zip(results, incoming, strict=True))
    return [_Used(call, (call.function.custom, args), gradients.get(key)) for key, (call, args) in got.items()]


def _affordable(application: Application, seconds: float) -> int:
    """How many elements of each tensor can be looked at in a time, evaluated one by one at worst."""
    custom, args = application
    start = time.thread_time()
    with torch.no_grad():
        custom.apply(*args)
    one = time.thread_time() - start
    tensors = sum(isinstance(value, torch.Tensor) and value.requires_grad for value in args)
    most = int(seconds / (_EVALUATIONS * max(1, tensors) * max(one, 1e-5)))
    return max(_FEWEST_ELEMENTS, min(_MOST_ELEMENTS, most))


def _event(step: Recorded, used: _Used, comparison: Comparison) -> GradientChecked:
    custom = used.application[0]
    argument = int(comparison.name.removeprefix("input "))
    return GradientChecked(
        tick=step.seen.tick,
        call=step.seen.call,
        node=step.node_of(used.call),
        function=custom.__name__,
        where=_backward(custom),
        called=used.call.place,
        argument=argument,
        name=_parameter(custom, argument),
        shape=comparison.shape,
        elements=comparison.elements,
        differing=comparison.differing,
        excluded=comparison.excluded,
        relative_error=comparison.relative_error,
        analytic=comparison.analytic,
        numeric=comparison.numeric,
        error=comparison.error,
        overall=comparison.overall,
        slip=comparison.slip,
        sentence=comparison.sentence,
        deliberate=comparison.deliberate,
        swept=tuple(step for step, _ in comparison.sweep),
        errors=tuple(error for _, error in comparison.sweep),
    )


def _backward(custom: type[torch.autograd.Function]) -> Place | None:
    """Where the backward pass of a custom function begins, if it is written in Python."""
    code = getattr(custom.backward, "__code__", None)
    return Place(os.path.abspath(code.co_filename), code.co_firstlineno, code.co_name) if code is not None else None


def _parameter(custom: type[torch.autograd.Function], argument: int) -> str:
    """The name that an argument has in the forward pass."""
    old = custom.setup_context is torch.autograd.Function.setup_context
    names = [each.name for each in signature(custom.forward).parameters.values() if each.kind != each.VAR_POSITIONAL]
    names = names[1:] if old else names
    return names[argument] if argument < len(names) else f"input {argument}"
