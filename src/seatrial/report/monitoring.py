"""What was monitored while a network trained, as plain data: updates, gradients by layer, units, batch noise, filters."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from seatrial.events import BatchSeen, Filters, GradientPair, Look, OptimizerBuilt, Units
from seatrial.history import Run
from seatrial.measure.noise import Signal, noise_scale, signal
from seatrial.measure.updates import Expected, expected
from seatrial.report.curves import Curve
from seatrial.rules.training import Training

MOST_LAYERS = 6  # curves that can be told apart
PAIRS_A_POINT = 5  # of gradients, in the curve of their signal
LEAST_PAIRS = 4  # below, nothing is said of the noise
LEAST_IN_A_POINT = 3


@dataclass(frozen=True, slots=True)
class Updates:
    """Update over weights, the median over weight matrices: what was measured, what the optimizer should give (see
    measure/updates.py) and where decay will bring it (nan: nowhere)."""

    measured: Curve
    low: Curve
    high: Curve
    equilibrium: float


@dataclass(frozen=True, slots=True)
class Noise:
    """Batch noise from the step `first` to `last`, as late in the run as can be told: share of a gradient that is `signal`;
    noise `scale` in examples (batch size at which half of it is), from `low` to `high`; and the `batch` size."""

    signal: Signal
    first: int
    last: int
    batch: int
    scale: float
    low: float
    high: float
    over_time: Curve


@dataclass(frozen=True, slots=True)
class FilterPicture:
    """Filters at one moment: `tiles` of channels x height x width bytes (128: a weight of 0)."""

    tick: int
    roughness: float
    shape: tuple[int, int, int]
    tiles: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class FirstLayer:
    """A first layer: its pictures in order of time, and how much smoother it is than at its beginning: 0 as rough as
    then, 1 perfectly smooth, negative where rougher; with the standard error of the change."""

    path: str
    count: int
    smoothness: Curve
    error: float
    pictures: tuple[FilterPicture, ...]


@dataclass(frozen=True, slots=True)
class Monitoring:
    """All of it; empty or None where it was not there to be seen."""

    updates: Updates | None
    layers: tuple[Curve, ...]
    dead: tuple[Curve, ...]
    saturated: tuple[Curve, ...]
    noise: Noise | None
    filters: tuple[FirstLayer, ...]


def monitoring(run: Run) -> Monitoring:
    """What a run's events tell of it."""
    training = Training(run)
    return Monitoring(
        updates(training),
        gradients_by_layer(training),
        _units(run, lambda units: units.dead),
        _units(run, lambda units: units.saturated),
        noise(training),
        first_layers(run),
    )


# ---- updates -----------------------------------------------------------------------------------------------------


def updates(training: Training) -> Updates | None:
    """Measured and expected ratios at the looks at the main optimizer."""
    built = training.optimizer
    measured = training.ratio
    if built is None or not len(measured):
        return None
    known = dict(zip(measured.ticks, measured.values, strict=True))
    bands = [(look.tick, found) for look in training.looks if look.tick in known and (found := _band(training, look))]
    ticks = tuple(tick for tick, _ in bands)
    equilibrium = [each.equilibrium for each in bands[-1][1] if each.equilibrium > 0] if bands else []
    return Updates(
        Curve("measured", measured.ticks, measured.values),
        Curve("expected: gradients at random", ticks, tuple(median(each.low for each in band) for _, band in bands)),
        Curve("expected: all in one direction", ticks, tuple(median(each.high for each in band) for _, band in bands)),
        median(equilibrium) if equilibrium else math.nan,
    )


def _band(training: Training, look: Look) -> list[Expected]:
    """What is expected of each weight matrix at a look."""
    built = training.optimizer
    group_of = {p: at for at, group in enumerate(built.groups) for p in group.parameters} if built else {}
    settings: dict[int, dict[str, float]] = {}
    found: list[Expected] = []
    for at, number in enumerate(look.parameters):
        if built is None or number not in training.matrices or not math.isfinite(look.gradient_norm[at]):
            continue
        group = group_of.get(number, 0)
        if group not in settings:
            settings[group] = _settings(training, built, group, look.tick)
        size = round(math.prod(training.infos[number].shape) * (1 - look.zero_share[at]))
        each = expected(
            built.type,
            settings[group],
            gradient_norm=look.gradient_norm[at],
            weight_norm=look.weight_norm[at],
            size=size,
            step=max(1, look.tick),
        )
        if each is not None:
            found.append(each)
    return found


def _settings(training: Training, built: OptimizerBuilt, group: int, tick: int) -> dict[str, float]:
    """The settings of a param group when the step at a tick was made."""
    given = built.groups[group].settings if group < len(built.groups) else {}
    found = {name: float(value) for name, value in given.items() if isinstance(value, (int, float))}
    for optimizer, at, name in training.run.settings:
        if (optimizer, at) == (built.optimizer, group):
            value = training.at(training.setting(name, group, built), tick)
            if math.isfinite(value):
                found[name] = value
    return found


def gradients_by_layer(training: Training) -> tuple[Curve, ...]:
    """Gradient norms of weight matrices over the looks: of all, or of evenly spread ones from the first to the last."""
    rows: dict[int, list[tuple[int, float]]] = {}
    for look in training.looks:
        for number, norm in zip(look.parameters, look.gradient_norm, strict=True):
            if number in training.matrices and norm > 0 and math.isfinite(norm):
                rows.setdefault(number, []).append((look.tick, norm))
    numbers = list(rows)
    most = min(MOST_LAYERS, len(numbers))
    chosen = [numbers[round(at * (len(numbers) - 1) / max(1, most - 1))] for at in range(most)]
    return tuple(_curve(training.infos[number].path, rows[number]) for number in chosen)


# ---- units -------------------------------------------------------------------------------------------------------


def _units(run: Run, of: Callable[[Units], tuple[float, ...]]) -> tuple[Curve, ...]:
    """Shares over time, by layer; where there are many, those with the largest shares at the end."""
    rows: dict[str, list[tuple[int, float]]] = {}
    for units in run.every(Units):
        for name, share in zip(units.names, of(units), strict=True):
            if math.isfinite(share):
                rows.setdefault(name, []).append((units.tick, share))
    worst = sorted(rows, key=lambda name: -rows[name][-1][1])[:MOST_LAYERS]
    return tuple(_curve(name, rows[name]) for name in rows if name in worst)


# ---- batch noise -------------------------------------------------------------------------------------------------


def noise(training: Training) -> Noise | None:
    """How much of a gradient is noise, by the pairs of gradients of the main optimizer's steps."""
    built = training.optimizer
    pairs = [pair for pair in training.run.every(GradientPair) if built and pair.optimizer == built.optimizer]
    if len(pairs) < LEAST_PAIRS:
        return None
    second_half = sum(pair.tick >= training.run.ticks / 2 for pair in pairs)
    late = pairs[-max(second_half, LEAST_PAIRS) :]
    found = _signal(late)
    batch = _batch(training.run, late)
    if batch < 1 or not math.isfinite(found.share):
        return None
    least, most = found.interval
    groups = [pairs[at : at + PAIRS_A_POINT] for at in range(0, len(pairs), PAIRS_A_POINT)]
    points = [(group[len(group) // 2].tick, _signal(group).share) for group in groups if len(group) >= LEAST_IN_A_POINT]
    scale, low, high = (noise_scale(min(1.0, share), batch) for share in (found.share, most, least))
    return Noise(found, late[0].tick, late[-1].tick, batch, scale, low, high, _curve("signal", points))


def _signal(pairs: Sequence[GradientPair]) -> Signal:
    return signal([pair.dot for pair in pairs], [(pair.first + pair.second) / 2 for pair in pairs])


def _batch(run: Run, pairs: Sequence[GradientPair]) -> int:
    """Examples in a step's gradient; 0 where that is not known."""
    sizes = [
        batch.shape[0]
        for batch in run.every(BatchSeen)
        if batch.phase == "training" and batch.role == "input" and batch.shape
    ]
    return round(median(sizes) * median(max(1, pair.backwards) for pair in pairs)) if sizes else 0


# ---- filters -----------------------------------------------------------------------------------------------------


def first_layers(run: Run) -> tuple[FirstLayer, ...]:
    """The first layers that see pictures."""
    seen: dict[int, list[Filters]] = {}
    for each in run.every(Filters):
        seen.setdefault(each.parameter, []).append(each)
    return tuple(_first_layer(run, number, moments) for number, moments in seen.items())


def _first_layer(run: Run, number: int, seen: list[Filters]) -> FirstLayer:
    known = run.parameter(number)
    moments = sorted({each.tick: each for each in seen}.values(), key=lambda each: each.tick)
    start, end = moments[0], moments[-1]
    points = [(each.tick, 1 - each.roughness / start.roughness) for each in moments if start.roughness > 0]
    error = math.hypot(start.error, end.error) / start.roughness if start.roughness > 0 else math.nan
    pictures = [_picture(each) for each in sorted(seen, key=lambda each: each.tick) if each.pixels]
    path = known[1].path if known else f"parameter {number}"
    return FirstLayer(path, start.shape[0], _curve(path, points), error, tuple(pictures))


def _picture(filters: Filters) -> FilterPicture:
    _, channels, height, width = filters.shape
    values, size = base64.b64decode(filters.pixels), channels * height * width
    tiles = tuple(values[at : at + size] for at in range(0, len(values), size))
    return FilterPicture(filters.tick, filters.roughness, (channels, height, width), tiles)


def _curve(label: str, points: Sequence[tuple[int, float]]) -> Curve:
    kept = [(tick, value) for tick, value in points if math.isfinite(value)]
    return Curve(label, tuple(tick for tick, _ in kept), tuple(value for _, value in kept))
