"""What an evaluation found: plain figures, and what they mean in sentences. It is made by `seatrial.evaluation.evaluating.evaluate`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seatrial.evaluation.calibration.calibrating import Calibration
from seatrial.evaluation.metrics.figure import Figure
from seatrial.evaluation.predictions import Kind
from seatrial.evaluation.rating.rated import Rated
from seatrial.evaluation.slices.slicing import Slices

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class OfClass:
    """One class (label, output): how many examples (pixels) of it there are, and its figures."""

    name: str
    examples: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision over recall of one class against the rest, thinned to at most 200 points."""

    name: str
    recall: tuple[float, ...]
    precision: tuple[float, ...]


@dataclass(frozen=True)
class Evaluation:
    """How well predictions do.

    kind, model, data, seeds    whose they are: see `Predictions`; a seed for each training
    examples, groups            how many; groups None where examples are independent
    level                       of all intervals
    figures                     overall, the first one first
    averaged                    the same of the averaged predictions of several trainings
    classes                     each class (label, output) by itself
    names, confusion            of the first training: (classes, classes) how often the row was taken for the column; None where too large to be read
    curves                      precision over recall, of the first training
    calibration                 of the first training; None where there are no graded probabilities
    slices                      parts of the data that do worse than chance would have it
    rated                       the first training against several raters
    remarks                     what must be known of the data to judge the figures
    """

    kind: Kind
    model: str
    data: str
    seeds: tuple[int, ...]
    examples: int
    groups: int | None
    level: float
    figures: tuple[Figure, ...]
    averaged: tuple[Figure, ...] = ()
    classes: tuple[OfClass, ...] = ()
    names: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] | None = None
    curves: tuple[Curve, ...] = ()
    calibration: Calibration | None = None
    slices: Slices | None = None
    rated: Rated | None = None
    remarks: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it says, the most important first."""
        from seatrial.evaluation.words import sentences

        return sentences(self)

    def __getitem__(self, name: str) -> Figure:
        """The overall figure of that name, as in `evaluation["accuracy"]`.

        Raises:
            KeyError: there is none.
        """
        known = {each.name: each for each in self.figures}
        if name not in known:
            raise KeyError(f"no figure {name!r} among {', '.join(known)}")
        return known[name]

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def as_data(self) -> dict[str, Any]:
        """All of it as plain values: the keys of evaluation.json."""
        return {"schema": SCHEMA, **asdict(self), "sentences": list(self.sentences)}

    def page(self) -> str:
        """The text of a page that shows all of it: one file of HTML that loads nothing."""
        from seatrial.report.evaluation import page

        return page(self.as_data())

    def plot(self, to: str | Path) -> None:
        """Draw reliability and recall of each class as an SVG file."""
        from seatrial.report.evaluation_drawing import draw_evaluation

        draw_evaluation(self.as_data(), Path(to))
