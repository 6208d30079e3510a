"""The section of the report on what was monitored: charts, pictures and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.numbers import decimal, grouped, percent
from seatrial.report.charts import Axis, Chart, chart, field
from seatrial.report.curves import Curve
from seatrial.report.monitoring import FirstLayer, Monitoring, Noise, Updates
from seatrial.report.pictures import data_url

MOST_PANELS = 6  # first layers whose filters are shown
USUAL_UPDATE = 1e-3  # the usual ratio of update to weights (CS231n; Karpathy, 2019)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image with what it shows; `width` and `height` in pixels of the image."""

    url: str
    words: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The filters of a layer."""

    title: str
    sentence: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """Charts, panels of filters, and sentences below them."""

    charts: tuple[Chart, ...]
    panels: tuple[Panel, ...]
    sentences: tuple[str, ...]


def section(seen: Monitoring, ticks: int) -> Section:
    """What is shown of it."""
    sentences = [noise_sentence(seen.noise)] if seen.noise else []
    charts = tuple(monitored_charts(seen, ticks).values())
    return Section(charts, tuple(map(_panel, seen.filters[:MOST_PANELS])), tuple(sentences))


def training_charts(
    losses: Sequence[Curve], rates: Sequence[Curve], gradients: Sequence[Curve], ticks: int
) -> dict[str, Chart]:
    """How training went, by name."""
    made = {
        "loss": chart("Loss", losses, ticks),
        "rate": chart("Learning rate", rates, ticks, from_zero=True),
        "gradient": chart("Gradient norm", gradients, ticks),
    }
    return {name: each for name, each in made.items() if each is not None}


def monitored_charts(seen: Monitoring, ticks: int) -> dict[str, Chart]:
    """What was monitored, by name."""
    made = {
        "updates": updates_chart(seen.updates, ticks) if seen.updates else None,
        "layers": chart("Gradient norm by layer", seen.layers, ticks) if len(seen.layers) > 1 else None,
        "dead": chart("Share of dead units", seen.dead, ticks, from_zero=True),
        "saturated": chart("Share of saturated outputs", seen.saturated, ticks, from_zero=True),
        "signal": chart("Share of a gradient that is signal", [seen.noise.over_time], ticks, from_zero=True)
        if seen.noise and len(seen.noise.over_time.values) > 1
        else None,
    }
    return {name: each for name, each in made.items() if each is not None}


def updates_chart(found: Updates, ticks: int) -> Chart:
    """Measured updates over weights, the two expected curves around them, the usual thousandth."""
    curves = [curve for curve in (found.measured, found.low, found.high) if curve.values]
    values = [value for curve in curves for value in curve.values if value > 0]
    marks = [("a thousandth", USUAL_UPDATE, False)]
    if found.equilibrium > 0:
        marks.append(("where decay leads", found.equilibrium, False))
    levels = [*values, *(value for _, value, _ in marks)]
    last = max(ticks, 1, *(curve.ticks[-1] for curve in curves))
    up = Axis(min(levels) / 1.5, max(levels) * 1.5, log=True)
    return field("Update / weights", curves, Axis(0.0, float(last)), up, marks)


def noise_sentence(noise: Noise) -> str:
    """Batch noise in words, with its uncertainty."""
    low, high = noise.signal.interval
    share = f"{percent(max(0.0, noise.signal.share))} ({percent(max(0.0, low))} to {percent(max(0.0, high))})"
    start = (
        f"From step {grouped(noise.first)} to {grouped(noise.last)} {share} of the squared length of a gradient of "
        f"{grouped(noise.batch)} examples was signal"
    )
    if not math.isfinite(noise.scale):
        known = f"more than {_examples(noise.low)}" if math.isfinite(noise.low) else "not to be told"
        return f"{start}, the rest noise of the batch. Noise scale: {known} (batch size at which half would be signal)."
    top = f"to {grouped(round(noise.high))}" if math.isfinite(noise.high) else "upward"
    return (
        f"{start}, the rest noise of the batch. Noise scale: {_examples(noise.scale)} "
        f"({grouped(round(noise.low))} {top}; batch size at which half would be signal)."
    )


def _examples(number: float) -> str:
    return f"{grouped(round(number))} examples" if number >= 1 else "under one example"


def _panel(layer: FirstLayer) -> Panel:
    pictures = tuple(
        Picture(data_url(each), f"step {grouped(each.tick)}, roughness {decimal(each.roughness)}")
        for each in layer.pictures
    )
    return Panel(f"First-layer filters, {layer.path}", _smoothness(layer), pictures)


def _smoothness(layer: FirstLayer) -> str:
    if not layer.smoothness.values:
        return f"{grouped(layer.count)} filters."
    change = layer.smoothness.values[-1]
    word = "smoother" if change >= 0 else "rougher"
    error = f" ± {percent(2 * layer.error)}" if math.isfinite(layer.error) else ""
    return f"{grouped(layer.count)} filters, {percent(abs(change))}{error} {word} at the end than as they were initialised."
