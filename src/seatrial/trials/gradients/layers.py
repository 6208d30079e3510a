"""`check_gradients`: the check for a person who writes a layer or a backward pass."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch.nn.utils.parametrizations import _SpectralNorm

from seatrial.trials.gradients.checking import Limits, check
from seatrial.trials.gradients.conditions import Application, applications, undisturbed
from seatrial.trials.gradients.functions import of_callable
from seatrial.trials.gradients.report import Comparison, GradientReport, missed
from seatrial.trials.gradients.slips import CUSTOM

# A custom function that is called in a loop is checked on its first calls.
_MOST_CALLS = 3


def check_gradients(
    function: Callable[..., Any], *inputs: Any, elements: int | None = None, seconds: float = float("inf")
) -> GradientReport:
    """Compare analytic gradients with central differences, in float64, for every element.

    Args:
        function: a module (its parameters are checked too), a function, or the `apply` of an autograd function. Nothing of it
            is changed. In training mode dropout draws the same numbers on both sides.
        inputs: what it is called with; any shapes, floating ones are looked at in float64. Checked are those that require a
            gradient; where none does, all floating ones.
        elements: look at so many elements of a tensor, drawn at random, rather than at all.
        seconds: evaluate no more after so long; what is left is said in the report.
    Returns:
        A report that is true where all gradients are right; `print` it to see each tensor.
    Raises:
        NotCheckable: where there is nothing to check, or the function is no function of its inputs.
        Exception: what the function itself raises.

    The method: central differences with a step of eps^(1/3) times the value's scale, a second step size for an error bar.
    Relative error as in Griewank and Walther, Evaluating Derivatives, 2008; steps as in Press et al., Numerical Recipes, 5.7.
    """
    limits = Limits(elements, seconds)
    limits = Limits(elements, seconds)
    custom = getattr(function, "__self__", None)
    if isinstance(custom, type) and issubclass(custom, torch.autograd.Function):
        return of_application((custom, inputs), limits, only_wanted=False)
    with _settled(function):
        subject = of_callable(function, inputs)
        comparisons = check(subject.function, subject.values, subject.wanted, subject.names, limits=limits)
        with undisturbed(), applications() as called:
            subject.function([value.clone().requires_grad_(True) for value in subject.values])
    functions, failed = _each_function(called, limits)
    left = missed(subject.names, subject.wanted, comparisons)
    whole = isinstance(function, torch.nn.Module)
    name = type(function).__name__ if whole else getattr(function, "__name__", "the function")
    return GradientReport(name, tuple(_traced(each, functions) for each in comparisons), functions, (*left, *failed))


def of_application(
    called: Application, limits: Limits, only_wanted: bool = True, weights: list[torch.Tensor] | None = None
) -> GradientReport:
    """Check one custom autograd function on the arguments that it was called with, for some incoming gradients (`weights`,
    by default 1 for a scalar, else random).

    Raises:
        NotCheckable: where none of them is a floating tensor that requires a gradient (or, without `only_wanted`, at all).
        Exception: what the function raises, which may not work in float64.
    """
    custom, inputs = called

    def apply(*args: Any) -> Any:  # looked up at each call: at some of them the forward pass stands in for it
        return custom.apply(*args)

    subject = of_callable(apply, inputs, only_wanted)
    comparisons = check(subject.function, subject.values, subject.wanted, subject.names, weights, limits, inside=False)
    left = missed(subject.names, subject.wanted, comparisons)
    return GradientReport(f"{custom.__name__}.apply", tuple(comparisons), not_looked_at=left)


def _each_function(called: list[Application], limits: Limits) -> tuple[tuple[GradientReport, ...], tuple[str, ...]]:
    """Reports of the custom functions (those of torch's own apart), and why others could not be looked at."""
    reports: list[GradientReport] = []
    failed: list[str] = []
    times: dict[type, int] = {}
    for custom, inputs in called:
        times[custom] = times.get(custom, 0) + 1
        if custom.__module__.startswith("torch.") or times[custom] > _MOST_CALLS:
            continue
        try:
            reports.append(of_application((custom, inputs), limits))
        except Exception as error:
            failed.append(f"{custom.__name__}.apply by itself ({error})")
    return tuple(reports), tuple(failed)


def _traced(comparison: Comparison, functions: tuple[GradientReport, ...]) -> Comparison:
    """A difference that custom functions explain is named, and meant, as theirs is."""
    if comparison.slip != CUSTOM:
        return comparison
    found = [(report, each) for report in functions for each in report.comparisons if each.differing]
    wrong = [(report, each) for report, each in found if not each.ok] or found
    if not wrong:
        return comparison
    report, each = wrong[0]
    sentence = f"the backward pass of {report.subject} explains it: {each.name}: {each.sentence}"
    return replace(comparison, slip=each.slip, sentence=sentence, deliberate=each.deliberate)


@contextmanager
def _settled(function: Callable[..., Any]) -> Generator[None]:
    """What torch's own modules detach on purpose and change from call to call (the power iteration of spectral
    normalisation) stays as it is."""
    modules = list(function.modules()) if isinstance(function, torch.nn.Module) else []
    moving = [module for module in modules if isinstance(module, _SpectralNorm) and module.training]
    for module in moving:
        module.train(False)
    try:
        yield
    finally:
        for module in moving:
            module.train(True)
