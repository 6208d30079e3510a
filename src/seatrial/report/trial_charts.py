"""The charts of the trials, and the sentences beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.events import Association, DataGlanced, GradientChecked, StepChecked
from seatrial.numbers import counted, decimal, grouped
from seatrial.report.charts import Axis, Chart, columns, field
from seatrial.report.charts import chart as line_chart
from seatrial.report.curves import Curve
from seatrial.report.trials import Experiment, Ladder, Panel, Rates, Start, Trials
from seatrial.rules.optimisation.cannot_overfit_subset import Thresholds

DEEPEST = 1e-3  # of the best constant's loss: what is lower is drawn there
# Errors are drawn by step size for so many inputs, down to the smallest that float64 tells from none.
MOST_SWEEPS = 6
FLOOR = 1e-16
MOST_ROWS = 60  # of a table
ABOVE = 0.6  # of the fall of the loss: so much of what lies above its start is drawn


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words below a head."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of trial as the page shows it: a heading, a sentence, charts, a table, asides."""

    heading: str
    sentence: str
    charts: tuple[Chart, ...]
    asides: tuple[str, ...] = ()
    table: Table | None = None


def parts(tried: Trials) -> list[Part]:
    """What the section on trials shows, in order."""
    elsewhere = [each for each in tried.experiments if each.name not in tried.shown_above]
    found = [experiment(each) for each in elsewhere]
    found += [_start(tried.start)] if tried.start else []
    found += [_ladder(tried.ladder)] if tried.ladder else []
    found += [_rates(tried.rates)] if tried.rates else []
    found += [_gradients(tried.gradients)] if tried.gradients else []
    found += [_network(tried.whole)] if tried.whole else []
    return found + [_glance(each, len(tried.glances) > 1) for each in tried.glances]


def experiment(tried: Experiment) -> Part:
    """Training with and without the mend, and where all seeds ended."""
    curves = line_chart("Training loss of the first seed", tried.curves)
    marks = [(f"before training {decimal(tried.before)}", tried.before)]
    ends = columns(f"Loss after {counted(tried.steps, 'step')}, a dot a seed", tried.ends, marks)
    charts = tuple(each for each in (curves, ends) if each is not None)
    aside = "Forks of the training on recorded batches, alike but for the mend. Losses after training are all by the mended "
    aside += "step's measure; training losses by each fork's own."
    return Part(f"{tried.fix}: is {tried.name} the cause?", verdict_of(tried), charts, (aside,))


def verdict_of(tried: Experiment) -> str:
    """What the forks showed, with the effect and its interval."""
    return f"{f'Tried, {tried.doubt}' if tried.doubt else 'Proven'}. {effect_of(tried)}"


def effect_of(tried: Experiment) -> str:
    """The effect with its interval, and what the control did."""
    lower = f"With the mend ({tried.fix}) the loss ends {_lower(tried.effect, ' of the loss before training')}"
    within = f"95 % interval {_share(tried.low)} to {_share(tried.high)}, {counted(tried.seeds, 'seed')}"
    if not math.isfinite(tried.low):
        within = "one seed, so that no interval is known"
    control = f"with the control ({tried.control}) {_lower(tried.control_effect)}"
    broke = [f"{_broken(values)} of {len(values)} {name}" for name, values in tried.ends if _broken(values)]
    diverged = f" Diverged: {', '.join(broke)}." if broke else ""
    return f"{lower} ({within}), {control}.{diverged}"


def _lower(effect: float, of: str = "") -> str:
    if abs(effect) < 0.005:
        return "as it does without it"
    return f"{'lower' if effect > 0 else 'higher'} by {_share(abs(effect))}{of}"


def _broken(values: Sequence[float]) -> int:
    return sum(not math.isfinite(value) for value in values)


def _share(value: float) -> str:
    return f"{value * 100:.{1 if abs(value) < 0.1 else 0}f} %"


def _start(start: Start) -> Part:
    constant = [(f"best constant {decimal(start.constant)}", start.constant)]
    drawn = columns("Untrained loss", [("own weights", [start.own]), ("drawn anew", start.fresh)], constant)
    own = [*constant, (f"all classes {decimal(start.own)}", start.own)]
    classes = columns("Untrained loss of each class", [(name, [loss]) for name, loss in start.classes], own, bars=True)
    charts = tuple(each for each in (drawn, classes if len(start.classes) > 1 else None) if each is not None)
    sentence = f"Before training the loss is {decimal(start.own)}"
    if start.fresh:
        sentence += f", and {_range(start.fresh)} with weights drawn anew"
    if math.isfinite(start.constant):
        sentence += f"; one best constant answer gives {decimal(start.constant)} on this batch"
    asides = ("Without dropout, on the first recorded batch.",)
    return Part("The untrained network", f"{sentence}.", charts, asides)


def _range(values: Sequence[float]) -> str:
    low, high = decimal(min(values)), decimal(max(values))
    return low if low == high else f"{low} to {high}"


def _ladder(ladder: Ladder) -> Part:
    losses = [loss for panel in ladder.panels for curve in panel.curves for loss in curve.values if loss > 0]
    floor = max(min(losses, default=ladder.constant), DEEPEST * ladder.constant)
    up = Axis(floor / 1.3, max([ladder.constant, *(loss for loss in losses if loss < 3 * ladder.constant)]) * 1.3, True)
    across = Axis(
        0.0, max((curve.ticks[-1] for panel in ladder.panels for curve in panel.curves if curve.ticks), default=1.0)
    )
    charts = tuple(_rung(panel, ladder.constant, across, up) for panel in ladder.panels if _curves(panel, up))
    aside = (
        f"Copies of the network, without dropout and weight decay, trained by Adam at {decimal(ladder.rate)} on a few "
    )
    aside += "examples of a recorded batch, on logarithmic scales that all share. A twin is the same with its targets shuffled, "
    aside += "which only memory can learn, or with inputs of zero, which shows what can be learned without them."
    return Part("A few examples overfitted", _outcomes(ladder), charts, (aside, _measure()))


def _outcomes(ladder: Ladder) -> str:
    """Which rungs passed, which did not."""
    kinds: dict[str, list[int]] = {}
    for panel in ladder.panels:
        kinds.setdefault(panel.outcome, []).append(panel.examples)
    told = [f"{_listed(sizes)} example{'' if sizes == [1] else 's'} {kind}" for kind, sizes in kinds.items()]
    return f"Learned by heart: {'; '.join(told)}."


def _measure() -> str:
    limits = Thresholds()
    return (
        f"Passed: below {_share(limits.passed)} of the best constant's loss; failed: above {_share(limits.failed)} "
        f"after {limits.least_steps} steps or more."
    )


def _listed(sizes: Sequence[int]) -> str:
    first, last = sizes[:-1], sizes[-1]
    return f"{', '.join(map(str, first))} and {last}" if first else str(last)


def _rung(panel: Panel, constant: float, across: Axis, up: Axis) -> Chart:
    title = f"{counted(panel.examples, 'example')}: {panel.outcome}, loss {decimal(panel.loss)}"
    return field(title, _curves(panel, up), across, up, [(f"best constant {decimal(constant)}", constant, False)])


def _curves(panel: Panel, up: Axis) -> list[Curve]:
    """The curves of a rung; what is lower than the axis (zero, at last) lies at its end."""
    return [
        Curve(each.label, each.ticks, tuple(max(up.low, value) for value in each.values), each.kind)
        for each in panel.curves
        if each.values
    ]


def _rates(rates: Rates) -> Part:
    marks = [
        (f"the script's rate {decimal(rates.used)}", rates.used, True),
        (f"limit of stability {decimal(rates.limit)}", rates.limit, True),
        (f"suggestion {decimal(rates.suggested, 2)}", rates.suggested, True),
    ]
    charts: tuple[Chart, ...] = ()
    if rates.losses.ticks:
        across = Axis(rates.losses.ticks[0], max(rates.losses.ticks[-1], 2 * rates.losses.ticks[0]), log=True)
        charts = (field("Loss against learning rate", (rates.losses, rates.trend), across, _up(rates), marks),)
    asides = [
        f"Forks of the training whose learning rate grows with each step, the median of {counted(rates.seeds, 'seed')}; "
        "the suggestion is where the smoothed loss falls steepest."
    ]
    if math.isfinite(rates.limit):
        asides.append(
            f"At the largest curvature of the recorded loss, {decimal(rates.curvature)}, the script's optimizer is stable "
            f"up to a learning rate of {decimal(rates.limit)}, on a quadratic of that curvature."
        )
    elif math.isfinite(rates.curvature):
        asides.append(f"The largest curvature of the recorded loss is {decimal(rates.curvature)}.")
    return Part("A range of learning rates", _suggested(rates), charts, tuple(asides))


def _suggested(rates: Rates) -> str:
    if math.isfinite(rates.suggested):
        return f"Suggestion: {decimal(rates.suggested, 2)}; the script's highest rate is {decimal(rates.used)}."
    return f"No suggestion, because {rates.why}. The script's highest rate is {decimal(rates.used)}."


def _up(rates: Rates) -> Axis:
    """The fall of the loss in full, of its explosion at too large rates the beginning."""
    start, low = rates.trend.values[0], min(*rates.losses.values, *rates.trend.values)
    fall = max(start - low, 0.05 * abs(start), 1e-12)
    high = min(max(rates.losses.values), start + ABOVE * fall)
    return Axis(low - 0.05 * fall, max(high, start) + 0.05 * fall)


def _gradients(checked: Sequence[GradientChecked]) -> Part:
    wrong = {each.function for each in checked if each.differing and not each.deliberate}
    functions = {each.function for each in checked}
    agree, differ = len(functions) - len(wrong), len(wrong)
    sentence = (
        f"Backward passes of {counted(len(functions), 'function')} compared with central differences: {agree} agree"
    )
    sentence += f", {differ} not." if differ else "."
    head = ("function", "input", "elements", "differ", "at a kink", "relative error", "")
    rows = tuple(
        (
            each.function,
            each.name,
            grouped(each.elements),
            grouped(each.differing),
            grouped(each.excluded),
            decimal(each.overall),
            each.deliberate or each.sentence,
        )
        for each in checked[:MOST_ROWS]
    )
    more = len(checked) - MOST_ROWS
    asides = (f"{counted(more, 'more input')} not shown.",) if more > 0 else ()
    chart = errors(checked)
    if chart is not None:
        asides = (
            "At the element that differs most: where the gradient is right the error falls with the step's square until "
            "rounding takes over; where it is wrong it stays.",
            *asides,
        )
    return Part("Hand-written gradients", sentence, (chart,) if chart is not None else (), asides, Table(head, rows))


def _network(checked: Sequence[StepChecked]) -> Part:
    """The gradients of the whole network, state by state."""
    wrong = [each for each in checked if each.differing]
    elements = max(each.elements for each in checked)
    sentence = (
        f"{grouped(elements)} elements of {counted(checked[0].tensors, 'tensor')} compared with central differences: "
    )
    sentence += f"{wrong[0].worst} differs; {wrong[0].sentence}." if wrong else "all agree."
    head = ("network", "dropout", "elements", "differ", "at a kink", "largest relative error", "of")
    rows = tuple(
        (
            each.when,
            "as it is" if each.regularised else "off",
            grouped(each.elements),
            grouped(each.differing),
            grouped(each.excluded),
            decimal(each.relative_error),
            each.worst,
        )
        for each in checked
    )
    cut = sorted({name for each in checked for name in each.cut})
    asides = (f"Cut off by the program itself: {', '.join(cut[:MOST_ROWS])}.",) if cut else ()
    return Part("Gradients of the network", sentence, (), asides, Table(head, rows))


def errors(checked: Sequence[GradientChecked]) -> Chart | None:
    """Relative error against step size, for some functions' inputs."""
    swept = [each for each in checked if each.swept][:MOST_SWEEPS]
    if not swept:
        return None
    curves = [
        Curve(f"{each.function}, {each.name}", each.swept[::-1], tuple(max(e, FLOOR) for e in each.errors[::-1]))
        for each in swept
    ]
    steps = swept[0].swept
    up = Axis(FLOOR, max(10.0, *(value for curve in curves for value in curve.values)), log=True)
    return field("Relative error against step size", curves, Axis(min(steps), max(steps), log=True), up)


def _glance(seen: DataGlanced, several: bool) -> Part:
    """What simple learners make of the examples, against permuted targets."""
    learners: list[tuple[str, Association | None]] = [
        ("nearest", seen.nearest),
        ("in its batch", seen.nearest_in_batch),
        ("linear", seen.linear),
        (f"shifted by {seen.shift}", seen.shifted),
        ("without copy", seen.without_copy),
    ]
    known = [(name, each) for name, each in learners if each is not None]
    measure = "Share of right classes" if seen.classes else "Correlation of answers and targets"
    chance = [(f"permuted targets {decimal(seen.nearest.chance)}", seen.nearest.chance)]
    chart = columns(measure, [(name, [each.score]) for name, each in known], chance, bars=True)
    known.append((f"feature {seen.single_feature} alone", seen.single))
    rows = tuple(
        (name, decimal(at.score), f"{decimal(at.chance)} ± {decimal(at.spread)}", decimal(at.p)) for name, at in known
    )
    sentence = f"{counted(seen.examples, 'example')} of {counted(seen.features, 'feature')}"
    sentence += f" in {seen.classes} classes." if seen.classes else "."
    aside = (
        "The answer of the nearest other example (over all, within its batch, with targets moved along), and of ridge "
    )
    aside += "regression, each for examples left out; of one feature alone the share of variance that it explains."
    heading = f"Data at a glance: {seen.phase}" + (f", model {seen.model}" if several and seen.model >= 0 else "")
    table = Table(("learner", "score", "with permuted targets", "p"), rows)
    return Part(heading, sentence, (chart,) if chart else (), (aside,), table)
