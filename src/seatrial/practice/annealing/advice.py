"""Which schedule suits a task: from a probe at its rate and from the budget, with the reasons in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.numbers import decimal, percent
from seatrial.practice.annealing.probing import SEEDS, Probe, probe
from seatrial.practice.fitting.order import steps_each
from seatrial.practice.optimizers.kinds import check_name, with_optimizer
from seatrial.practice.rates import find_rate
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task

SECONDS = 20.0
FEW_STEPS = 100  # in fewer there is little to anneal


@dataclass(frozen=True, slots=True)
class Advice:
    """The recommended schedule, why, and what it was drawn from."""

    schedule: str
    reasons: tuple[str, ...]
    probe: Probe
    steps: int
    epochs: int


def recommend(
    task: Task, *, epochs: int, optimizer: str = "", rate: float | str = 0.0, seconds: float = SECONDS
) -> Advice:
    """Recommend a schedule for a training of so many epochs.

    Args:
        optimizer: "sgd", "adamw", "schedule-free"; "": the task's own.
        rate: its learning rate; "found": it is found first; 0: as the optimizer has it.
        seconds: CPU time for the probe, about.

    Raises:
        UsageProblem: an argument or the task is not what it should be, or no rate can be found.
    """
    if epochs < 1:
        raise refused("epochs of at least 1", repr(epochs), "schedules-epochs", "Give how many the training will have.")
    if optimizer:
        check_name(optimizer)
    chosen = with_optimizer(task, optimizer)
    steps = epochs * steps_each(task, task.train)
    highest = rate if isinstance(rate, (int, float)) else _found(chosen, rate, steps)
    measured = probe(chosen, highest, steps, seconds)
    name = choose(measured, steps, validated=task.validation is not None, averages=optimizer == "schedule-free")
    return Advice(name, tuple(reasons(name, measured, steps)), measured, steps, epochs)


def choose(measured: Probe, steps: int, *, validated: bool, averages: bool) -> str:
    """The name of a schedule. `validated`: there are validation data; `averages`: the optimizer averages its weights."""
    if averages:
        return "warm-up"
    if measured.diverged:
        return "cosine"
    if steps < FEW_STEPS:
        return "constant" if not _gains(measured) else "cosine"
    if measured.is_falling:
        return "wsd"
    if _gains(measured) or not validated:
        return "cosine"
    return "plateau"


def reasons(name: str, measured: Probe, steps: int) -> Iterator[str]:
    """Why it is that one, with the figures of the probe."""
    if measured.diverged:
        yield (
            f"{measured.diverged} of {SEEDS} trainings at the rate {decimal(measured.rate, 3)} were lost: a warm-up may carry them, "
            "a lower rate will (seatrial lr)."
        )
        return
    if steps < FEW_STEPS:
        yield f"{steps} steps are few: a schedule changes little, and the figures below are rough."
    gain = measured.gain
    sure = f"95 % interval {gain.low:+.2g} to {gain.high:+.2g}"
    share = percent(abs(gain.mean) / abs(measured.level)) if measured.level else decimal(abs(gain.mean), 2)
    if measured.is_falling:
        yield (
            f"At the rate {decimal(measured.rate, 3)} the loss still falls after {measured.steps} steps, by {percent(measured.fall)} over "
            "the second half of the probe: a rate lowered early would lose that."
        )
    else:
        yield (
            f"At the rate {decimal(measured.rate, 3)} the loss has flattened within {measured.steps} steps, at {decimal(measured.level, 3)}; "
            f"from batch to batch it varies by {percent(measured.noise)}."
        )
    if not gain.shown:
        yield f"Letting the rate fall to zero at that point shows no gain ({gain.mean:+.2g}, {sure}, {gain.seeds} seeds)."
    elif gain.mean > 0:
        yield f"Letting the rate fall to zero at that point lowers the loss by {share} ({sure}, {gain.seeds} seeds)."
    else:
        yield f"Letting the rate fall to zero at that point costs {share} ({sure}, {gain.seeds} seeds)."
    yield _BECAUSE[name]
    if measured.steps < steps:
        yield f"The probe saw {measured.steps} of {steps} steps: what is true of its end may not be true of the training's."


_BECAUSE = {
    "cosine": "So the noise of the steps is what holds the loss up, or nothing speaks against the usual choice: the rate falls over "
    "the whole budget, to zero at its end.",
    "wsd": "So the rate stays high for most of the budget and falls at its end, where the noise of the steps is taken out.",
    "plateau": "So the validation decides when the rate falls: nothing shows yet that it should.",
    "constant": "So the rate stays as it is.",
    "warm-up": "The optimizer averages its weights in place of a falling rate: it wants a warm-up only.",
}


def _gains(measured: Probe) -> bool:
    return measured.gain.shown and measured.gain.mean > 0


def _found(task: Task, rate: str, steps: int) -> float:
    if rate != "found":
        raise refused("a rate in figures, or found", repr(rate), "fit-rate", "For instance 0.01.")
    found = find_rate(task, steps=steps, progress=False)
    if not found.rate > 0:
        raise refused("a learning rate that can be found", f"none: {found.why}", "fit-no-rate", "Give --rate a figure.")
    return found.rate
