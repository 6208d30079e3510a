"""What a comparison of optimizers supports, and what it does not, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.evaluation.comparison.seeds import MOST_SEEDS
from seatrial.numbers import decimal
from seatrial.practice.optimizers.comparing import Comparison, Pair


def supported(comparison: Comparison) -> list[str]:
    """A sentence or two for each pair."""
    return [_pair(comparison, pair) for pair in comparison.pairs]


def unsupported(comparison: Comparison) -> list[str]:
    """What must not be read into it."""
    return list(_limits(comparison))


def figure_of(comparison: Comparison) -> str:
    """What is compared, in words."""
    return f"{'validation' if comparison.validated else 'training'} {comparison.figure}"


def _pair(comparison: Comparison, pair: Pair) -> str:
    found, figure = pair.difference, figure_of(comparison)
    means = {each.name: each.mean for each in comparison.candidates}
    if found.seeds < 2:
        return f"{pair.first} and {pair.second} cannot be compared: fewer than two seeds ended with a figure for both."
    interval = f"95 % interval {found.low:+.3g} to {found.high:+.3g}"
    if found.shown:
        better, worse = (
            (pair.first, pair.second) if (found.mean > 0) == comparison.highest else (pair.second, pair.first)
        )
        level = "higher" if comparison.highest else "lower"
        return (
            f"{better} ends with a {level} {figure} than {worse}: {decimal(means[better])} against {decimal(means[worse])} "
            f"(difference {found.mean:+.3g}, {interval}, {found.seeds} seeds)."
        )
    if not found.mean and not found.spread:
        return f"{pair.first} and {pair.second} end with the same {figure} on every seed."
    return (
        f"No difference shown between {pair.first} and {pair.second}: {found.mean:+.3g}, {interval}. "
        f"{_needed(pair)} {found.seeds} seeds show differences from about {decimal(found.detectable, 2)} on."
    )


def _needed(pair: Pair) -> str:
    needed, high = pair.difference.needed, pair.difference.needed_high
    if math.isinf(needed):
        return f"Were it real, more than {MOST_SEEDS} seeds would be needed to show it."
    upto = f"up to {high:.0f}" if math.isfinite(high) else f"more than {MOST_SEEDS}"
    return (
        f"Were it real, about {needed:.0f} seeds would be needed to show it ({upto}: few seeds tell the spread badly)."
    )


def _limits(comparison: Comparison) -> Iterator[str]:
    widened = f", widened for {len(comparison.pairs)} pairs" if len(comparison.pairs) > 1 else ""
    yield (
        f"The intervals are over {comparison.seeds} seeds{widened}; with so few they are wide."
        if (comparison.seeds < 5)
        else f"The intervals are over {comparison.seeds} seeds{widened}."
    )
    yield (
        "A seed is an initialisation and an order of the batches. The draw of the data, and of the rate, which was found "
        "once for each optimizer, is not in the interval."
    )
    schedules = ", ".join(f"{each.name} with {each.schedule or 'its own schedule'}" for each in comparison.candidates)
    yield (
        f"Compared over {comparison.steps} steps, {schedules}. Other schedules, longer budgets, other decay, momentum and "
        "batch sizes were not."
    )
    if comparison.validated:
        yield "The figure is that of each training's best epoch, chosen on the same validation data: all are a little too good."
    else:
        yield "Without validation data it is the training's own loss: which one generalises better was not seen."
    for each in comparison.candidates:
        lost = sum(not math.isfinite(figure) for figure in each.figures)
        if lost:
            yield f"{each.name} diverged in {lost} of {comparison.seeds} trainings; they are left out of its differences."
    if comparison.batch_normalisation and any(each.name == "schedule-free" for each in comparison.candidates):
        yield (
            "The model normalises over batches: its running statistics are those of the weights that schedule-free trains, "
            "not of the averaged ones that are evaluated, so that its figures may be worse than it is."
        )
    for name, why in comparison.left_out.items():
        yield f"{name} was not compared: {why}."
