"""The report of a practice: a chapter for each stage of the lecture, in one file that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.report.charts import Chart, chart
from seatrial.report.curves import Curve
from seatrial.report.html import environment


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stage. `advice`: what the lecture says of it; `link`: a report of its own; `epochs`: of a training, to be drawn."""

    title: str
    advice: str
    sentences: Sequence[str]
    skipped: str
    link: str
    epochs: Sequence[dict[str, Any]]

    @property
    def charts(self) -> list[Chart]:
        """Losses and metrics over the epochs."""
        if not self.epochs:
            return []
        losses = [
            self._curve(label, [epoch.get(key) for epoch in self.epochs])
            for label, key in (("training", "training"), ("validation", "validation"))
        ]
        names = sorted({name for epoch in self.epochs for name in epoch.get("metrics", {})})
        metrics = [self._curve(name, [epoch["metrics"].get(name) for epoch in self.epochs]) for name in names]
        last = len(self.epochs)
        drawn = [chart("Loss by epoch", losses, last), chart("Validation metrics by epoch", metrics, last)]
        return [each for each in drawn if each is not None]

    @staticmethod
    def _curve(label: str, values: Sequence[float | None]) -> Curve:
        points = [(float(at + 1), value) for at, value in enumerate(values) if value is not None]
        return Curve(label, tuple(tick for tick, _ in points), tuple(value for _, value in points), "evaluation")


def write_chapters(path: Path, name: str, headline: str, chapters: Sequence[Chapter]) -> None:
    """Write the report."""
    text = environment().get_template("chapters.html").render(name=name, headline=headline, chapters=chapters)
    path.write_text(text, encoding="utf-8")
