"""A found learning rate, shown: lines for a terminal, rate.json, and rate.html with its pictures."""

from __future__ import annotations

import html
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seatrial.measure.found_rates import Found
from seatrial.measure.rate_curves import FEWEST_STEPS, smoothed
from seatrial.numbers import counted, decimal, seconds
from seatrial.report.charts import Axis, Chart, axis, field
from seatrial.report.curves import Curve
from seatrial.report.json import strict

JSON, PAGE = "rate.json", "rate.html"
SCHEMA = 1
BEYOND = 3.0  # times the edge: so far the range test is drawn
ABOVE = 1.0  # of the fall of the loss: so much of what lies above its start is drawn


@dataclass(frozen=True, slots=True)
class FoundRate:
    """A learning rate, or why there is none.

    found      the search: the band, the curves, what was tried.
    curvature  the largest of the loss of one batch at the start; nan where it is not known.
    limit      the largest stable rate of plain SGD at that curvature; nan for optimizers that scale gradients.
    name       of the task or script. `optimizer`: its class.
    copies     what was trained: "new models", "copies of the model", "copies on 12 recorded batches".
    """

    found: Found
    curvature: float
    limit: float
    name: str
    optimizer: str
    copies: str

    @property
    def rate(self) -> float:
        """The learning rate; nan where nothing is suggested."""
        return self.found.rate

    @property
    def why(self) -> str:
        """Why nothing is suggested; empty where something is."""
        return self.found.why

    @property
    def agrees(self) -> bool | None:
        """Whether the rate lies below the limit of stability; None where one of them is not known."""
        known = math.isfinite(self.rate) and math.isfinite(self.limit)
        return self.rate <= self.limit if known else None

    def __str__(self) -> str:
        return "\n".join(lines(self))

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{html.escape(page(self))}" style="width: 100%; height: 36em; border: 0"></iframe>'


def write(found: FoundRate, folder: Path) -> None:
    """Leave rate.json and rate.html in a folder (made if need be)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / JSON).write_text(json.dumps(strict(as_data(found)), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / PAGE).write_text(page(found), encoding="utf-8")


def lines(found: FoundRate) -> list[str]:
    """What a terminal shows."""
    return [each for each in (headline(found), _as_good(found), curvature_told(found), how(found)) if each]


def headline(found: FoundRate) -> str:
    """The suggestion with its band, and the rate that is used."""
    seen = found.found
    used = f"{found.name or 'the task'} uses {decimal(seen.used)}"
    if seen.why:
        return f"No suggestion, because {seen.why}. ({used})"
    return (
        f"Learning rate: {decimal(seen.rate, 2)} (90 % band {decimal(seen.low, 2)} to {decimal(seen.high, 2)}; {used})"
    )


def curvature_told(found: FoundRate) -> str:
    """What the curvature says; empty where it says nothing."""
    if not math.isfinite(found.curvature):
        return ""
    told = f"Largest curvature at the start: {decimal(found.curvature)}"
    if not math.isfinite(found.limit):
        return f"{told}; it names no limit for {found.optimizer}, which scales gradients."
    told += f"; {found.optimizer} is stable up to {decimal(found.limit, 2)} there"
    if found.agrees is None:
        return f"{told}."
    times = found.rate / found.limit
    if found.agrees:
        return f"{told}: the suggestion is {decimal(times, 2)} of that, they agree."
    return (
        f"{told}: the suggestion is {decimal(times, 2)} times that, they do not agree. Copies trained well at it all the same: where "
        "steps are too long for the curvature, weights move to where it is smaller."
    )


def how(found: FoundRate) -> str:
    """How the rate was found, in a line."""
    seen = found.found
    seeds, steps = seen.swept.losses.shape
    told = f"Range test of {counted(steps, 'step')} with {counted(seeds, 'seed')}"
    if not steps:
        return ""
    if seen.tried:
        longest = counted(seen.steps, "step")
        told += f", then trainings of up to {longest} at each of {counted(len(seen.tried), 'rate')}"
    told += f" ({found.copies}; {seconds(seen.seconds)})."
    if seen.why:
        return told
    if not seen.tried:
        return f"{told} There was no time to try any rate: it is a tenth of that with the lowest loss. Give more --seconds."
    if seen.steps < seen.wanted:
        longer = f" For {counted(seen.wanted, 'step')} it "
        if seen.rate < seen.tried_best:
            told += f"{longer}was taken down from {decimal(seen.tried_best, 2)}: where noise rules, a longer training wants a lower rate."
        else:
            told += f"{longer}was left as it is: trainings are lost a little above it, and that does not change with the length."
    return told


def as_data(found: FoundRate) -> dict[str, Any]:
    """The keys of rate.json."""
    seen = found.found
    return {
        "schema": SCHEMA,
        "name": found.name,
        "optimizer": found.optimizer,
        "rate": _known(seen.rate),
        "band": [_known(seen.low), _known(seen.high)],
        "as_good": [_known(each) for each in seen.as_good],
        "why_not": seen.why,
        "used": seen.used,
        "best_in_trials": _known(seen.tried_best),
        "steps_tried": seen.steps,
        "steps_wanted": seen.wanted,
        "curvature": _known(found.curvature),
        "limit_of_stability": _known(found.limit),
        "agrees_with_curvature": found.agrees,
        "edge": _known(seen.read.edge),
        "sweep": {"rates": seen.swept.rates.tolist(), "losses": seen.swept.losses.tolist()},
        "tried": [{"rate": each.rate, "steps": each.steps, "losses": list(each.losses)} for each in seen.tried],
    }


def page(found: FoundRate) -> str:
    """The text of rate.html."""
    from seatrial.report.html import environment

    charts = [each for each in (_sweep_chart(found), _tried_chart(found)) if each is not None]
    told = lines(found)[1:]
    return (
        environment().get_template("rate.html").render(found=found, headline=headline(found), told=told, charts=charts)
    )


# ---- inner steps -------------------------------------------------------------------------------------------------


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _as_good(found: FoundRate) -> str:
    low, high = found.found.as_good
    if not math.isfinite(low):
        return ""
    if low == high:
        return f"Of the rates tried, none but {decimal(low, 2)} ended within 5 % of the lowest loss."
    return f"Rates tried from {decimal(low, 2)} to {decimal(high, 2)} ended within 5 % of the lowest loss."


def _sweep_chart(found: FoundRate) -> Chart | None:
    """The losses of the range test, what they have in common, and two standard errors on both sides."""
    seen = found.found
    losses = seen.swept.losses
    broken = np.flatnonzero(~np.isfinite(losses).all(axis=0))
    kept = int(broken[0]) if len(broken) else losses.shape[1]
    kept = min(kept, int(np.searchsorted(seen.swept.rates, BEYOND * seen.read.edge)))
    if kept < FEWEST_STEPS:
        return None
    rates, losses = seen.swept.rates[:kept], losses[:, :kept]
    curve = smoothed(rates, losses)
    ticks = tuple(rates.tolist())
    curves = [Curve("a copy", ticks, tuple(each.tolist()), "faint") for each in losses]
    curves.append(Curve("what they have in common", ticks, tuple(curve.value.tolist()), "smooth"))
    for edge in (curve.value - 2 * curve.error, curve.value + 2 * curve.error):
        curves.append(Curve("two standard errors", ticks, tuple(edge.tolist())))
    start, low = float(curve.value[0]), float(curve.value.min())
    fall = max(start - low, 4 * float(curve.error[0]), 1e-9)
    up = Axis(low - 0.2 * fall, start + ABOVE * fall)
    return field(
        "Range test: the loss while the rate grows", curves, Axis(ticks[0], ticks[-1], log=True), up, _marks(found)
    )


def _tried_chart(found: FoundRate) -> Chart | None:
    """The losses that trainings ended with, over their rates."""
    seen = found.found
    known = [each for each in seen.tried if math.isfinite(each.loss)]
    if len(known) < 2:
        return None
    ticks = tuple(each.rate for each in known)
    curves: list[Curve] = []
    for seed in range(max(len(each.losses) for each in known)):
        having = [each for each in known if seed < len(each.losses)]  # rates around the best have more
        drawn = tuple(each.losses[seed] for each in having)
        curves.append(Curve("a seed", tuple(each.rate for each in having), drawn, "faint"))
    curves.append(Curve("mean of the seeds", ticks, tuple(each.loss for each in known), "evaluation"))
    room = 1.5
    across = Axis(min(ticks) / room, max(ticks) * room, log=True)
    up = axis([value for curve in curves for value in curve.values])
    marks = [*_marks(found), ("band", seen.low, True), ("band", seen.high, True)]
    return field(f"Loss after {counted(seen.steps, 'step')} at one rate", curves, across, up, marks)


def _marks(found: FoundRate) -> list[tuple[str, float, bool]]:
    marks = [
        (f"used {decimal(found.found.used)}", found.found.used, True),
        (f"limit of stability {decimal(found.limit, 2)}", found.limit, True),
        (f"suggestion {decimal(found.rate, 2)}", found.rate, True),
    ]
    return [mark for mark in marks if math.isfinite(mark[1])]
