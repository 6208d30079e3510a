"""Line charts as data for inline SVG: paths in a square of 1000 by 1000, ticks of the axes in percent.

The square is stretched to whatever the page gives it, so lines are drawn without scaling their width, and words stand
beside it as HTML: they keep their size on a phone. No plotting library: importing one takes longer than the whole
report (docs/decisions/charts.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seatrial.numbers import counted, decimal, grouped
from seatrial.report.curves import Curve

SIDE = 1000
WIDE_RANGE = 50.0  # greatest over smallest value from which a linear axis would hide most of a curve
PEAKS = 0.03  # share of the values that may be cut off as peaks
PEAK = 4.0  # times the range of all other values: from there on the highest one flattens the rest
MOST_LETTERS = 60  # of all names below a chart in half the width of the page
LONGEST_NAME = 12  # letters
MARK_COLOURS = (6, 3, 5, 4)  # of dashed lines, the first one quiet: curves count from 0, so that they seldom share one


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark at `percent` of an axis (from the left or from the bottom) with its text."""

    percent: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A curve as drawn. `path` is an SVG path, `dots` are points for curves of few values, `colour` counts from 0."""

    label: str
    kind: str
    colour: int
    path: str
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A dashed line through the whole field at `percent` (from the left where it is upright, else from the bottom)."""

    percent: float
    upright: bool
    colour: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar between two heights, all in percent, with the words that it is."""

    left: float
    width: float
    bottom: float
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: `legend` names each colour once, `remark` says what is unusual of its vertical axis."""

    title: str
    drawn: tuple[Drawn, ...]
    legend: tuple[tuple[int, str, str], ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    remark: str
    words: str
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()
    data: Data | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """What a chart was drawn from, for other drawings of it: curves on axes, dashed lines (label, where, upright)."""

    curves: tuple[Curve, ...]
    across: Axis
    up: Axis
    lines: tuple[tuple[str, float, bool], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from values to 0..1."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float:
        """Where a value lies; beyond 0..1 where it lies outside."""
        low, high, here = (self._scaled(each) for each in (self.low, self.high, value))
        return (here - low) / (high - low) if high > low else 0.5

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, 1e-300)) if self.log else value


def chart(
    title: str,
    curves: Sequence[Curve],
    last: int = 1,
    from_zero: bool = False,
    marks: Sequence[tuple[str, float, bool]] = (),
) -> Chart | None:
    """A chart of curves over ticks from 0 to `last` or beyond; None where there is nothing to draw.

    With `from_zero` its vertical axis is linear and begins at 0. Level lines among the `marks` are within its range."""
    curves = [curve for curve in curves if curve.values]
    if not curves:
        return None
    levels = [value for _, value, upright in marks if not upright]
    up = axis([*(value for curve in curves for value in curve.values), *levels], from_zero)
    return field(title, curves, Axis(0.0, float(max(last, 1, *(curve.ticks[-1] for curve in curves)))), up, marks)


def field(
    title: str,
    curves: Sequence[Curve],
    across: Axis,
    up: Axis,
    marks: Sequence[tuple[str, float, bool]] = (),
    unit: str = "step",
) -> Chart:
    """A chart of curves on given axes, over steps (or another `unit`), or where `across` is logarithmic over other quantities.

    Args:
        marks: dashed lines: a label, where they stand, and whether upright. Those outside of the axes are left out.
    """
    values = [value for curve in curves for value in curve.values]
    colours = {label: at % 6 for at, label in enumerate(dict.fromkeys(curve.label for curve in curves))}
    drawn = tuple(_drawn(curve, colours[curve.label], across, up) for curve in curves)
    kinds = {curve.label: curve.kind for curve in curves}
    legend = [(colour, label, kinds[label]) for label, colour in colours.items()]
    standing = [mark for mark in marks if 0 <= (across if mark[2] else up).at(mark[1]) <= 1]
    # Curves count from the first colour, dashed lines from the last one: where several meet they can be told apart.
    lines = [
        Mark((across if upright else up).at(value) * 100, upright, MARK_COLOURS[at % len(MARK_COLOURS)])
        for at, (_, value, upright) in enumerate(standing)
    ]
    legend += [(line.colour, label, "mark") for line, (label, _, _) in zip(lines, standing, strict=True)]
    ticks = _ticks(across) if across.log else _step_ticks(across)
    over = "" if across.log else f" over {counted(round(across.high), unit)}"
    words = f"{title}{over}, from {decimal(min(values))} to {decimal(max(values))}"
    data = Data(tuple(curves), across, up, tuple(standing))
    return Chart(title, drawn, tuple(legend), ticks, _ticks(up), _remark(values, up), words, tuple(lines), data=data)


def columns(
    title: str,
    groups: Sequence[tuple[str, Sequence[float]]],
    marks: Sequence[tuple[str, float]] = (),
    bars: bool = False,
) -> Chart | None:
    """A chart whose horizontal axis are names: over each its values as dots, or its first value as a bar from 0.

    Values that are not finite are left out. None where nothing is left.

    Args:
        marks: dashed level lines: label and value.
    """
    groups = [(name, [value for value in values if math.isfinite(value)]) for name, values in groups]
    levels = [(label, value) for label, value in marks if math.isfinite(value)]
    values = [value for _, group in groups for value in group]
    if not values:
        return None
    up = axis([*values, *(value for _, value in levels)], from_zero=bars)
    width = 100 / len(groups)
    lines = tuple(Mark(up.at(value) * 100, False, MARK_COLOURS[at]) for at, (_, value) in enumerate(levels))
    legend = tuple((line.colour, label, "mark") for line, (label, _) in zip(lines, levels, strict=True))
    every = max(1, math.ceil(sum(len(name) + 2 for name, _ in groups) / MOST_LETTERS))
    across = tuple(Tick((at + 0.5) * width, _short(name)) for at, (name, _) in enumerate(groups) if at % every == 0)
    words = "; ".join(f"{name}: {', '.join(map(decimal, group))}" for name, group in groups)
    drawn = () if bars else tuple(_dots(name, at, group, width, up) for at, (name, group) in enumerate(groups))
    made = tuple(_bar(name, at * width, group[0], width, up) for at, (name, group) in enumerate(groups) if group)
    return Chart(
        title, drawn, legend, across, _ticks(up), _remark(values, up), f"{title}. {words}", lines, made if bars else ()
    )


def _dots(name: str, at: int, values: Sequence[float], width: float, up: Axis) -> Drawn:
    """Values of one column, a little apart so that equal ones can be counted."""
    apart = width / 3 / max(1, len(values) - 1)
    left = (at + 0.5) * width - apart * (len(values) - 1) / 2
    dots = tuple((left + number * apart, (1 - _near(up.at(value))) * 100) for number, value in enumerate(values))
    return Drawn(name, "dots", at % 6, "", dots)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _bar(name: str, left: float, value: float, width: float, up: Axis) -> Bar:
    low, high = sorted((up.at(0.0) * 100, up.at(value) * 100))
    return Bar(left + 0.15 * width, 0.7 * width, low, high - low, f"{name}: {decimal(value)}")


def sparkline(curve: Curve, low: float, high: float) -> Drawn | None:
    """A small curve on a logarithmic scale that its neighbours share; None where nothing is positive."""
    points = [(tick, value) for tick, value in zip(curve.ticks, curve.values, strict=True) if value > 0]
    if not points:
        return None
    ticks, values = zip(*points, strict=True)
    across = Axis(float(ticks[0]), float(max(ticks[-1], ticks[0] + 1)))
    return _drawn(Curve(curve.label, ticks, values), 0, across, Axis(low, high, log=True))


def axis(values: Sequence[float], from_zero: bool = False) -> Axis:
    """A scale with a little room above and below; logarithmic where the values span orders of magnitude. A few peaks
    that would flatten all else are cut off."""
    low, high = min(values), max(values)
    if from_zero:
        return Axis(min(low, 0.0), max(high, 0.0) * 1.05 or (0.0 if low < 0 else 1.0))
    if low > 0 and high / low > WIDE_RANGE:
        return Axis(low / 1.2, high * 1.2, log=True)
    most = sorted(values)[int(len(values) * (1 - PEAKS))]
    if most > low and high - low > PEAK * (most - low):
        high = low + 1.5 * (most - low)
    room = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
    return Axis(low - room, high + room)


def _remark(values: Sequence[float], up: Axis) -> str:
    if up.log:
        return "logarithmic"
    return f"cut off: peaks up to {decimal(max(values))}" if max(values) > up.high else ""


def _drawn(curve: Curve, colour: int, across: Axis, up: Axis) -> Drawn:
    points = [
        (round(across.at(tick) * SIDE, 1), round((1 - _near(up.at(value))) * SIDE, 1))
        for tick, value in zip(curve.ticks, curve.values, strict=True)
    ]
    few = len(points) == 1 or (curve.kind == "evaluation" and len(points) <= 60)
    path = _steps(points) if curve.kind == "steps" else _lines(points)
    dots = tuple((x / SIDE * 100, y / SIDE * 100) for x, y in points) if few else ()
    return Drawn(curve.label, curve.kind, colour, path, dots)


def _near(share: float) -> float:
    """At most a little outside of the field: how far a line leaves it is not seen."""
    return min(2.0, max(-1.0, share))


def _lines(points: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _steps(points: Sequence[tuple[float, float]]) -> str:
    (x, y), *rest = points
    return f"M{x:g} {y:g}" + "".join(f"H{x:g}V{y:g}" for x, y in rest)


def _step_ticks(across: Axis) -> tuple[Tick, ...]:
    return tuple(Tick(across.at(value) * 100, grouped(round(value))) for value in nice(across.low, across.high, 5))


def _ticks(up: Axis) -> tuple[Tick, ...]:
    if up.log:
        return tuple(Tick(up.at(value) * 100, decimal(value)) for value in _decades(up))
    values = nice(up.low, up.high, 5)
    return tuple(Tick(up.at(value) * 100, text) for value, text in zip(values, _apart(values), strict=True))


def _apart(values: Sequence[float]) -> list[str]:
    """The values with as many digits as it takes to tell them apart."""
    texts = [decimal(value) for value in values]
    if len(set(texts)) == len(texts):
        return texts
    digits = min(12, 1 - math.floor(math.log10(values[1] - values[0])))
    return [f"{value:.{max(digits, 0)}f}" for value in values]


def _decades(up: Axis) -> list[float]:
    """Powers of ten; where these are few, multiples of 1, 2 and 5 between them, or round numbers."""
    first, last = math.ceil(math.log10(up.low)), math.floor(math.log10(up.high))
    every = max(1, math.ceil((last - first + 1) / 6))
    powers = [10.0**power for power in range(first, last + 1, every)]
    if len(powers) > 2:
        return powers
    between = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
    inside = [value for value in between if up.low <= value <= up.high]
    return inside if len(inside) > 2 else nice(up.low, up.high, 4)


def nice(low: float, high: float, about: int) -> list[float]:
    """About that many round numbers within a range: multiples of 1, 2 or 5 times a power of ten."""
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [count * step for count in range(first, last + 1)]
