"""Schedules by name against their closed forms, at every step; saved and restored in the middle."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from seatrial.errors import UsageProblem
from seatrial.practice.annealing.schedules import KINDS, check_name, schedule

PEAK = 0.3
STEPS = [1, 2, 7, 19, 20, 60, 997]


def optimizer(rates: tuple[float, ...] = (PEAK,)) -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.ones(2))], "lr": rate} for rate in rates], PEAK)


def warm(steps: int) -> int:
    return round(0.05 * steps)


def cosine(t: int, steps: int) -> float:
    w = warm(steps)
    return (t + 1) / (w + 1) if t < w else 0.5 * (1 + math.cos(math.pi * (t - w) / max(1, steps - w)))


def wsd(t: int, steps: int) -> float:
    w, d = warm(steps), max(1, round(0.2 * steps))
    return (t + 1) / (w + 1) if t < w else min(1.0, (max(1, steps - d) + d - t) / d)


CLOSED: dict[str, Callable[[int, int], float]] = {
    "constant": lambda t, steps: 1.0,
    "warm-up": lambda t, steps: min(1.0, (t + 1) / (warm(steps) + 1)),
    "step": lambda t, steps: 0.1 ** (t // math.ceil(steps / 3)),
    "exponential": lambda t, steps: 0.01 ** (t / steps),
    "1/t": lambda t, steps: 1 / (1 + 9 * t / steps),
    "cosine": cosine,
    "wsd": wsd,
}


def test_every_schedule_has_a_closed_form_here_or_waits_for_a_metric() -> None:
    assert {*CLOSED, "plateau"} == set(KINDS)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("name", CLOSED)
def test_every_step_has_the_rate_of_the_closed_form(name: str, steps: int) -> None:
    made = optimizer((PEAK, PEAK / 10))
    plan = schedule(name, made, steps)
    assert (plan.every, plan.watches) == ("step", False)
    for t in range(steps):
        factor = CLOSED[name](t, steps)
        assert made.param_groups[0]["lr"] == pytest.approx(PEAK * factor, rel=1e-9, abs=1e-12), t
        assert made.param_groups[1]["lr"] == pytest.approx(PEAK / 10 * factor, rel=1e-9, abs=1e-12), t
        made.step()
        plan.scheduler.step()


@pytest.mark.parametrize("name", ["cosine", "wsd"])
def test_no_step_is_made_at_no_rate(name: str) -> None:
    for steps in STEPS[1:]:
        made = optimizer()
        plan = schedule(name, made, steps)
        rates: list[float] = []
        for _ in range(steps):
            rates.append(made.param_groups[0]["lr"])
            made.step()
            plan.scheduler.step()
        assert min(rates) > 1e-8 * PEAK
        assert made.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)  # and the fall ends with the last one


def test_a_plateau_lowers_the_rate_after_three_epochs_without_improvement() -> None:
    made = optimizer()
    plan = schedule("plateau", made, 10)
    assert (plan.every, plan.watches) == ("epoch", True)
    seen: list[float] = []
    for loss in (3.0, 2.0, 2.1, 2.2, 2.0, 2.0, 1.0):
        made.step()
        plan.scheduler.step(loss)
        seen.append(made.param_groups[0]["lr"])
    assert seen == pytest.approx([PEAK] * 4 + [PEAK / 10] * 3)


def run(name: str, upto: int, steps: int, saved: bytes | None) -> tuple[list[float], bytes]:
    """The rates of the steps, and the state after them."""
    made = optimizer()
    plan = schedule(name, made, steps)
    begin = 0
    if saved is not None:
        state: dict[str, Any] = torch.load(io.BytesIO(saved), weights_only=True)
        made.load_state_dict(state["optimizer"])
        plan.scheduler.load_state_dict(state["schedule"])
        begin = state["at"]
    rates: list[float] = []
    for t in range(begin, upto):
        rates.append(made.param_groups[0]["lr"])
        made.step()
        plan.scheduler.step(*([1 / (1 + min(t, 9))] if plan.watches else []))
    file = io.BytesIO()
    state = {"optimizer": made.state_dict(), "schedule": plan.scheduler.state_dict(), "at": upto}
    torch.save(state, file)
    return rates, file.getvalue()


@pytest.mark.parametrize("name", KINDS)
def test_a_schedule_goes_on_from_its_saved_state_bit_for_bit(name: str) -> None:
    steps = 60
    whole, _ = run(name, steps, steps, None)
    assert len(set(whole)) > 1 or name == "constant"
    for cut in (1, 2, 3, 4, 20, 40, 47, 48, 49, 59):
        first, saved = run(name, cut, steps, None)
        rest, _ = run(name, steps, steps, saved)
        assert first + rest == whole, cut


def test_an_unknown_name_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageProblem, match="cosine"):
        check_name("cosin")
