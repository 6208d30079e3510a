"""What was tried, as plain data: proofs, the untrained loss, the ladder of small subsets, a range of learning rates,
gradients, data at a glance, and what could not be tried. A new trial gets a field of `Trials` and a part in trial_charts.py."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from seatrial.events import (
    DataGlanced,
    Forked,
    GradientChecked,
    NotLookedAt,
    Overfitted,
    RateSwept,
    Rung,
    StepChecked,
    Untrained,
)
from seatrial.history import Run
from seatrial.numbers import counted, decimal, grouped
from seatrial.report.curves import Curve, thin
from seatrial.rules.optimisation.cannot_overfit_subset import outcome
from seatrial.rules.proofs import doubt, effects, interval
from seatrial.rules.sweeps import smoothed, suggestion
from seatrial.verdict import Verdict

AS_IT_IS = "as it is"

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Experiment:
    """Forks of the training with and without the mend of a suspected cause.

    `doubt`: why they do not prove it, empty where they do. `curves`: training losses of the first seed, each by the
    measure of its own fork. `ends`: for without, with and the control the losses at the end, one a seed, by the mended
    measure, and `before` the loss before training. `effect` (from `low` to `high`) and that of the control are relative to that."""

    name: str
    fix: str
    control: str
    doubt: str
    steps: int
    curves: tuple[Curve, ...]
    ends: tuple[tuple[str, tuple[float, ...]], ...]
    before: float
    effect: float
    low: float
    high: float
    control_effect: float

    @property
    def seeds(self) -> int:
        return len(self.ends[0][1])


@dataclass(frozen=True, slots=True)
class Start:
    """The loss before training: own and drawn anew, of the best constant answer (nan: there is none), of each class."""

    own: float
    fresh: tuple[float, ...]
    constant: float
    classes: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """One rung of the ladder: the losses of so many examples and of their twins. `outcome`: passed | failed | in part |
    too few steps."""

    examples: int
    outcome: str
    loss: float
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """A few examples overfitted, rung by rung, against the loss of the best constant answer."""

    constant: float
    rate: float
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Rates:
    """A range of learning rates: losses and their trend over rates. `limit` of stability and `suggested`: nan where there
    is none, `why` nothing is suggested."""

    losses: Curve
    trend: Curve
    used: float
    curvature: float
    limit: float
    suggested: float
    why: str
    seeds: int


@dataclass(frozen=True, slots=True)
class Trials:
    """All that was tried, and what could not be. `shown_above`: names of findings that stand with their proof."""

    experiments: tuple[Experiment, ...]
    shown_above: tuple[str, ...]
    start: Start | None
    ladder: Ladder | None
    rates: Rates | None
    gradients: tuple[GradientChecked, ...]
    whole: tuple[StepChecked, ...]
    glances: tuple[DataGlanced, ...]
    not_tried: tuple[NotLookedAt, ...]

    def __bool__(self) -> bool:
        parts = (self.experiments, self.start, self.ladder, self.rates, self.gradients, self.whole, self.glances)
        return any(bool(part) for part in (*parts, self.not_tried))

    def proof_of(self, name: str) -> Experiment | None:
        """The experiment that proves a finding."""
        return next((each for each in self.experiments if each.name == name and not each.doubt), None)


def trials(verdict: Verdict) -> Trials:
    """The plain data of the trials of a run."""
    run = verdict.run
    experiments = tuple(_experiment(forked) for forked in {each.name: each for each in run.every(Forked)}.values())
    listed = {each.name for each in verdict.findings}
    start, ladder, rates = _last(run, Untrained), _last(run, Overfitted), _last(run, RateSwept)
    return Trials(
        experiments=experiments,
        shown_above=tuple(each.name for each in experiments if each.name in listed and not each.doubt),
        start=_start(start) if start else None,
        ladder=ladder_of(ladder) if ladder else None,
        rates=_rates(rates) if rates else None,
        gradients=tuple(run.every(GradientChecked)),
        whole=tuple(run.every(StepChecked)),
        glances=tuple({(each.phase, each.model): each for each in run.every(DataGlanced)}.values()),
        not_tried=tuple(each for each in verdict.not_looked_at if each.trial),
    )


def summary(tried: Trials) -> str:
    """What was tried, in a line; empty where nothing was."""
    functions = {each.function for each in tried.gradients}
    parts = _proofs_told(tried.experiments)
    parts += [f"gradients of {counted(len(functions), 'function')} checked"] if functions else []
    elements = max((each.elements for each in tried.whole), default=0)
    parts += [f"{grouped(elements)} gradients of the network checked"] if elements else []
    parts += [_ladder_told(tried.ladder)] if tried.ladder else []
    parts += [_start_told(tried.start)] if tried.start else []
    if tried.rates and not parts:  # what is left of a line goes to what says more
        parts = [f"{len(tried.rates.losses.ticks)} learning rates"]
    return f"Trials: {'; '.join(parts)}." if parts else ""


def _last(run: Run, kind: type[E]) -> E | None:
    return next(reversed(run.every(kind)), None)


# ---- one kind of trial after the other ---------------------------------------------------------------------------


def _experiment(forked: Forked) -> Experiment:
    effect, low, high = interval(forked)
    pairs = (("as it is", forked.without_curve), ("mended", forked.mended_curve))
    return Experiment(
        name=forked.name,
        fix=forked.fix,
        control=forked.control_fix,
        doubt=doubt(forked),
        steps=forked.steps,
        curves=tuple(_curve(label, values) for label, values in pairs if values),
        ends=(("as it is", forked.without), ("mended", forked.mended), ("control", forked.control)),
        before=forked.start,
        effect=effect,
        low=low,
        high=high,
        control_effect=fmean(effects(forked, forked.control) or [math.nan]),
    )


def _start(seen: Untrained) -> Start:
    return Start(seen.own, seen.fresh, seen.constant, tuple(seen.classes.items()))


def ladder_of(tried: Overfitted) -> Ladder:
    """The rungs of an attempt, each with its twins."""
    real = [rung for rung in tried.rungs if rung.kind == AS_IT_IS]
    panels = [_panel(rung, [each for each in tried.rungs if each.examples == rung.examples], tried) for rung in real]
    return Ladder(tried.constant, max((rung.rate for rung in real), default=math.nan), tuple(panels))


def _panel(rung: Rung, same: Iterable[Rung], tried: Overfitted) -> Panel:
    curves = tuple(_curve(each.kind, each.curve) for each in same)
    return Panel(rung.examples, outcome(rung, tried), rung.loss, curves)


def _rates(swept: RateSwept) -> Rates:
    found, trend = suggestion(swept), smoothed(swept.losses)
    count = len(trend)
    return Rates(
        losses=Curve("loss", swept.rates[:count], swept.losses[:count], "faint"),
        trend=Curve("loss", swept.rates[:count], tuple(trend), "smooth"),
        used=swept.used,
        curvature=swept.curvature,
        limit=swept.limit,
        suggested=found.rate,
        why=found.why,
        seeds=swept.seeds,
    )


def _curve(label: str, values: Sequence[float]) -> Curve:
    return thin(Curve(label, tuple(range(1, len(values) + 1)), tuple(values)))


# ---- in a line ---------------------------------------------------------------------------------------------------


def _proofs_told(experiments: Sequence[Experiment]) -> list[str]:
    proven = sum(not each.doubt for each in experiments)
    without = len(experiments) - proven
    parts = [f"{counted(proven, 'finding')} proven"] if proven else []
    return parts + ([f"{counted(without, 'suspicion')} not proven"] if without else [])


def _ladder_told(ladder: Ladder) -> str:
    passed = [panel.examples for panel in ladder.panels if panel.outcome == "passed"]
    failed = [panel.examples for panel in ladder.panels if panel.outcome == "failed"]
    if passed:
        more = [size for size in failed if size > max(passed)]
        return f"{counted(max(passed), 'example')} overfitted" + (f", {min(more)} not" if more else "")
    if failed:
        return f"not even {counted(min(failed), 'example')} overfitted"
    return "a few examples overfitted in part"


def _start_told(start: Start) -> str:
    against = f" (best constant {decimal(start.constant)})" if math.isfinite(start.constant) else ""
    return f"untrained loss {decimal(start.own)}{against}"
