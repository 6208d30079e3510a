"""The figures of the report in a notebook: the same ones as on the page, drawn by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sample_run as sample
from matplotlib.colors import to_hex

import seatrial
from seatrial.errors import UsageProblem
from seatrial.events import GroupInfo, OptimizerBuilt, Units
from seatrial.history import Run
from seatrial.record import NAME, Recorder
from seatrial.report import html, model
from seatrial.report.drawing import COLOURS
from seatrial.report.plots import plot


def titles(figure: Any) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.axison]


def test_all_of_the_page_is_drawn() -> None:
    units = Units(5, 0, ("relu",), (0.25,), (float("nan"),))
    optimizer = OptimizerBuilt(0, 0, "SGD", (GroupInfo(tuple(range(6)), {"lr": 0.05}),), None)
    verdict = sample.verdict(also=[units, optimizer])
    found = titles(plot(verdict.run))
    page = html.render(model.report(verdict))
    first = ["Loss", "Learning rate", "Gradient norm", "Update / weights (logarithmic)", "Gradient norm by layer"]
    assert [title.replace(" (logarithmic)", "") for title in found] == [
        title.replace(" (logarithmic)", "") for title in [*first, "Share of dead units"]
    ]
    for title in found:
        assert f"<figcaption>{title.replace(' (logarithmic)', '')}" in page


def test_one_is_drawn_by_its_name_with_the_figures_of_the_run() -> None:
    run = Run.of(sample.events())
    (axes,) = plot(run, "rate").axes
    (line,) = axes.lines
    assert list(line.get_ydata())[:3] == [0.05, 0.025, 0.0125]
    assert to_hex(line.get_color()) == COLOURS[0]
    (axes,) = plot(run, "loss").axes
    assert next(text.get_text() for text in axes.get_legend().get_texts()) == "training loss"


def test_a_notebook_shows_it_and_pyplot_is_not_touched() -> None:
    import sys

    before = "matplotlib.pyplot" in sys.modules
    figure: Any = plot(Run.of(sample.events()), "loss")
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert ("matplotlib.pyplot" in sys.modules) is before


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageProblem, match="Did you mean loss"):
        plot(Run.of(sample.events()), "los")
    with pytest.raises(UsageProblem, match="There are: loss, rate, gradient"):
        plot(Run.of(sample.events()), "filters")


def test_a_run_without_training_has_an_empty_figure() -> None:
    assert titles(plot(Run.of([]))) == []


def test_a_recorded_run_is_loaded_with_its_findings_and_figures(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / NAME)
    for event in sample.events():
        recorder.send(event)
    recorder.close()
    loaded = seatrial.load(tmp_path)
    assert loaded.verdict.run.ticks == sample.TICKS
    assert titles(loaded.plot("loss")) == ["Loss"]
    assert "304 steps" in repr(loaded)
    assert "digits.py" in loaded._repr_html_()
    assert sorted(path.name for path in tmp_path.iterdir()) == [NAME]


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="Expected a run at"):
        seatrial.load(tmp_path / "nowhere")
