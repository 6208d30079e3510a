"""The figures of a training drawn with matplotlib, for a notebook and for trackers of experiments."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seatrial.history import Run
from seatrial.report import curves
from seatrial.report.curves import Curve
from seatrial.report.monitoring import FilterPicture, Monitoring, monitoring
from seatrial.report.monitoring_charts import USUAL_UPDATE, noise_sentence
from seatrial.report.pictures import grid

MOST_COLUMNS = 2


class Shown(Figure):
    """A figure that a notebook shows without pyplot, whose state is the program's own."""

    def _repr_png_(self) -> bytes:
        return self.png()

    def png(self) -> bytes:
        """The picture."""
        data = io.BytesIO()
        FigureCanvasAgg(self).print_png(data)
        return data.getvalue()


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves that are drawn together. `log`: on a logarithmic scale."""

    title: str
    curves: tuple[Curve, ...]
    log: bool


def panels(run: Run, seen: Monitoring) -> list[Panel]:
    """The panels in which there is something to be drawn of a run until now."""
    updates = (seen.updates.measured, seen.updates.low, seen.updates.high) if seen.updates else ()
    found = [
        Panel("Loss", curves.losses(run), False),
        Panel("Learning rate", curves.learning_rates(run), False),
        Panel("Update / weights", updates, True),
        Panel("Gradient norm by layer", seen.layers, True),
        Panel("Share of dead units", seen.dead, False),
        Panel("Share of saturated outputs", seen.saturated, False),
        Panel("Share of a gradient that is signal", (seen.noise.over_time,) if seen.noise else (), False),
    ]
    drawn = [replace(panel, curves=tuple(curve for curve in panel.curves if curve.values)) for panel in found]
    return [panel for panel in drawn if panel.curves]


def draw(run: Run) -> Figure:
    """All that there is to be drawn of a run until now."""
    seen = monitoring(run)
    found = panels(run, seen)
    pictures = [(layer.path, picture) for layer in seen.filters for picture in layer.pictures[-1:]]
    count = len(found) + len(pictures)
    rows = -(-max(1, count) // MOST_COLUMNS)
    figure = Shown(figsize=(10, 2.8 * rows), layout="constrained")
    axes: list[Any] = list(figure.subplots(rows, MOST_COLUMNS, squeeze=False).flat)
    for place, panel in zip(axes, found, strict=False):
        _curves(place, panel)
    for place, (path, picture) in zip(axes[len(found) :], pictures, strict=False):
        _picture(place, path, picture)
    for place in axes[count:]:
        place.set_axis_off()
    if seen.noise:
        figure.supxlabel(noise_sentence(seen.noise), fontsize="small", wrap=True)
    return figure


def alone(panel: Panel) -> Shown:
    """One panel as a figure of its own."""
    figure = Shown(figsize=(7, 4), layout="constrained")
    _curves(figure.subplots(), panel)
    return figure


def _curves(place: Any, panel: Panel) -> None:
    for curve in panel.curves:
        style = {"faint": {"alpha": 0.4}, "steps": {"drawstyle": "steps-post"}}.get(curve.kind, {})
        place.plot(curve.ticks, curve.values, label=curve.label, marker="." if len(curve.values) < 30 else "", **style)
    if panel.title.startswith("Update"):
        place.axhline(USUAL_UPDATE, linestyle="--", color="grey", label="a thousandth")
    if panel.log:
        place.set_yscale("log")
    place.set_title(panel.title)
    place.set_xlabel("step")
    if len(panel.curves) > 1:
        place.legend(fontsize="x-small")


def _picture(place: Any, path: str, picture: FilterPicture) -> None:
    rows, depth = grid(picture)
    values = [[row[at : at + depth] for at in range(0, len(row), depth)] for row in rows]
    pixels = [[list(each) if depth == 3 else each[0] for each in row] for row in values]
    place.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    place.set_title(f"{path}, step {picture.tick}")
    place.set_axis_off()
