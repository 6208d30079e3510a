"""Pictures as SVG files: matplotlib in the report's colours; words stay words, the same figures make the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

COLOURS = ("#2563a8", "#c2571a", "#23744a", "#8a3ea8", "#9a5b00", "#b3261e", "#1f6f8b", "#66707c")  # the report's
INK, DIM, LINE = "#1d232b", "#66707c", "#e3e1da"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "seatrial",
    "font.family": "sans-serif",
    "font.size": 10,
}


def draw(to: Path, fill: Callable[[Any], None], size: tuple[float, float] = (7, 4.2)) -> None:
    """Fill a figure and write it. `size`: width and height in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        fill(figure)
        figure.savefig(to, format="svg", metadata={"Date": None})


def plain(axes: Any, title: str, across: str, up: str) -> None:
    """Axes as all of ours look."""
    axes.set_title(title, fontsize=11, loc="left")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.margins(x=0)
