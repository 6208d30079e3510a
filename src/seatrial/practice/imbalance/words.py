"""What a comparison of remedies supports, and what it does not, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seatrial.evaluation.comparison.seeds import MOST_SEEDS
from seatrial.numbers import counted, decimal, percent
from seatrial.practice.imbalance.comparing import Candidate, Comparison
from seatrial.practice.imbalance.rarity import FEW
from seatrial.practice.imbalance.remedies import PLAIN


def starting(comparison: Comparison) -> list[str]:
    """What the plain loss does at the start, and what its training ends with."""
    known, seen = comparison.rarity, comparison.start
    lines: list[str] = []
    at = known.rarest
    if seen is not None and math.isfinite(seen.gradient[at]):
        part = seen.gradient[at]
        step = f"{percent(part)} of the first step" if part >= 0 else "the first step makes it worse"
        lines.append(f"At the start, class {at} is {percent(seen.loss[at])} of the plain loss, and {step}.")
    recalls = comparison[PLAIN].recalls
    found = ", ".join(f"{each}: {value:.2f}" for each, value in enumerate(recalls) if math.isfinite(value))
    lines.append(f"Plain training ends with recalls of {found} (class: share that is found).")
    return lines


def supported(comparison: Comparison) -> list[str]:
    """A sentence for each remedy against plain training."""
    return [_against_plain(comparison, each) for each in comparison.candidates if each.against_plain is not None]


def unsupported(comparison: Comparison) -> list[str]:
    """What must not be read into it."""
    return list(_limits(comparison))


def _against_plain(comparison: Comparison, one: Candidate) -> str:
    both, figure = one.against_plain, comparison.metric.name
    assert both is not None
    gap = both.seeds
    if gap.seeds < 2:
        return f"{one.name} cannot be compared."
    if not gap.mean and not gap.spread:
        return f"{one.name} ends with the same {figure} as plain training on every seed."
    interval = (
        f"{gap.mean:+.3f}, {decimal(100 * (1 - gap.level), 3)} % interval over seeds {gap.low:+.3f} to {gap.high:+.3f}"
    )
    if both.all is not None:
        interval += f"; over seeds and examples p = {decimal(min(1.0, both.all.p * both.pairs))}, all remedies counted"
    if both.shown:
        return (
            f"{one.name} ends with a {'higher' if gap.mean > 0 else 'lower'} {figure} than plain training ({interval})."
        )
    needed = gap.needed
    more = f"more than {MOST_SEEDS}" if math.isinf(needed) else f"about {needed:.0f}"
    missing = (
        "the validation data have too few examples to show it"
        if gap.shown
        else f"were it real, {more} seeds would show it"
    )
    return f"{one.name} is not shown to differ from plain training ({interval}); {missing}."


def _limits(comparison: Comparison) -> Iterator[str]:
    known = comparison.rarity
    remedies = len(comparison.candidates) - 1
    widened = f", widened for {remedies} remedies (fewer on --remedies need fewer seeds)" if remedies > 1 else ""
    yield (
        f"The intervals are over {comparison.seeds} seeds{widened}: initial weights and the order of examples. p counts the draw of "
        "the validation examples too; that of the training data is in neither."
    )
    few, rare = int(known.validation.min()), int(known.validation.argmin())
    if few < FEW:
        yield (
            f"All are judged by the same validation data with {counted(few, 'example')} of class {rare}: so few tell the spread among "
            "such examples badly, and p with it."
        )
    yield (
        f"Each was trained for {comparison.epochs} epochs of equally many steps and judged by its last weights, at the task's own "
        "learning rate: one found for each might change the order."
    )
    yield "The best of several looks better than it is: what it is worth, test data tell that chose nothing."
    for each in comparison.candidates:
        if math.isfinite(each.optimism):
            fitted = each.mean + each.optimism
            yield (
                f"{each.name}: on the data that the threshold is fitted to, {comparison.metric.name} is {fitted:.3f}; "
                f"{each.mean:.3f} is what the parts give that it was not fitted to."
            )
    for name, why in comparison.left_out.items():
        yield f"{name} was not tried: {why}"
