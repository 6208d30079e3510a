"""The figures of a training drawn with matplotlib, for a notebook."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seatrial.history import Run
from seatrial.report import curves
from seatrial.report.curves import Curve
from seatrial.report.monitoring import FilterPicture, monitoring
from seatrial.report.monitoring_charts import USUAL_UPDATE, noise_sentence
from seatrial.report.pictures import grid

MOST_COLUMNS = 2


class Shown(Figure):
    """A figure that a notebook shows without pyplot, whose state is the program's own."""

    def _repr_png_(self) -> bytes:
        data = io.BytesIO()
        FigureCanvasAgg(self).print_png(data)
        return data.getvalue()


def draw(run: Run) -> Figure:
    """All that there is to be drawn of a run until now."""
    seen = monitoring(run)
    updates = [seen.updates.measured, seen.updates.low, seen.updates.high] if seen.updates else []
    panels = [
        ("Loss", curves.losses(run), False),
        ("Learning rate", curves.learning_rates(run), False),
        ("Update / weights", updates, True),
        ("Gradient norm by layer", seen.layers, True),
        ("Share of dead units", seen.dead, False),
        ("Share of saturated outputs", seen.saturated, False),
        ("Share of a gradient that is signal", [seen.noise.over_time] if seen.noise else [], False),
    ]
    panels = [(title, [curve for curve in found if curve.values], log) for title, found, log in panels]
    panels = [panel for panel in panels if panel[1]]
    pictures = [(layer.path, picture) for layer in seen.filters for picture in layer.pictures[-1:]]
    count = len(panels) + len(pictures)
    rows = -(-max(1, count) // MOST_COLUMNS)
    figure = Shown(figsize=(10, 2.8 * rows), layout="constrained")
    axes: list[Any] = list(figure.subplots(rows, MOST_COLUMNS, squeeze=False).flat)
    for place, (title, found, log) in zip(axes, panels, strict=False):
        _curves(place, title, found, log)
    for place, (path, picture) in zip(axes[len(panels) :], pictures, strict=False):
        _picture(place, path, picture)
    for place in axes[count:]:
        place.set_axis_off()
    if seen.noise:
        figure.supxlabel(noise_sentence(seen.noise), fontsize="small", wrap=True)
    return figure


def _curves(place: Any, title: str, found: Sequence[Curve], log: bool) -> None:
    for curve in found:
        style = {"faint": {"alpha": 0.4}, "steps": {"drawstyle": "steps-post"}}.get(curve.kind, {})
        place.plot(curve.ticks, curve.values, label=curve.label, marker="." if len(curve.values) < 30 else "", **style)
    if title.startswith("Update"):
        place.axhline(USUAL_UPDATE, linestyle="--", color="grey", label="a thousandth")
    if log:
        place.set_yscale("log")
    place.set_title(title)
    place.set_xlabel("step")
    if len(found) > 1:
        place.legend(fontsize="x-small")


def _picture(place: Any, path: str, picture: FilterPicture) -> None:
    rows, depth = grid(picture)
    values = [[row[at : at + depth] for at in range(0, len(row), depth)] for row in rows]
    pixels = [[list(each) if depth == 3 else each[0] for each in row] for row in values]
    place.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    place.set_title(f"{path}, step {picture.tick}")
    place.set_axis_off()
