"""The picture of a learning curve."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seatrial.practice.learning_curve import LearningCurve
from seatrial.report import drawing


def draw(curve: LearningCurve, path: Path, result: str) -> None:
    """Results over examples, the law through them, and what it says of twice the data. `result`: what was measured."""
    drawing.draw(path, lambda figure: _fill(figure, curve, result), (6, 4))


def _fill(figure: Any, curve: LearningCurve, result: str) -> None:
    axes = figure.subplots()
    axes.set_xscale("log", base=2)
    sizes = sorted({each.examples for each in curve.points})
    axes.plot([each.examples for each in curve.points], [each.value for each in curve.points], "o", alpha=0.6)
    law, twice = curve.law, curve.twice
    if law is not None and twice is not None:
        along = np.geomspace(sizes[0], twice.examples, 100)
        axes.plot(along, [law.at(each) for each in along], "-", lw=1)
        reach = [[max(0.0, twice.value - twice.low)], [max(0.0, twice.high - twice.value)]]
        axes.errorbar([twice.examples], [twice.value], yerr=reach, fmt="s", capsize=4)
        sizes.append(twice.examples)
    axes.set_xticks(sizes, [str(each) for each in sizes])
    axes.minorticks_off()
    axes.set_xlabel("training examples")
    axes.set_ylabel(f"validation {result}")
    axes.set_title(curve.said, fontsize=8, wrap=True)
