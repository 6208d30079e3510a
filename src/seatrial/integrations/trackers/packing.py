"""Making a parcel of what a run left in its folder: its record, its findings, its report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.history import Run
from seatrial.integrations.trackers.parcel import PREFIX, Found, Parcel
from seatrial.launch.reporting import folder_of, runs_at
from seatrial.practice.lecture.outcome import Outcome, headline, outcomes_in
from seatrial.record import NAME
from seatrial.report import curves
from seatrial.report.charts import Chart
from seatrial.report.curves import Curve
from seatrial.report.model import sentence
from seatrial.report.monitoring import monitoring
from seatrial.report.pictures import grid, png
from seatrial.report.plots import charts_of, figure_of

_FILES = ("report.html", "findings.json")
_TRAINED, _CHECK = ("train", "subset"), "check"  # folders of the stages of a practice that leave a record


def packed(run: Path) -> Parcel:
    """What is to be sent of the run, or the practice, in a folder.

    Raises:
        UsageProblem: there is no record of a run, or no report beside it.
    """
    stages = outcomes_in(run)
    return _practice(run.resolve(), stages) if stages else _run(run)


def _practice(folder: Path, stages: Mapping[str, Outcome]) -> Parcel:
    """The training that went furthest, what the stages say, and how the model did on the test data."""
    from seatrial.practice.lecture.stages import STAGES  # with all that the stages do, which a run does not need

    furthest = next(folder / name for name in (*_TRAINED, _CHECK) if name == _CHECK or (folder / name / NAME).is_file())
    opened = stages.get("open")
    scores = opened.values.get("scores", {}) if opened else {}
    sent = _run(furthest)
    return replace(
        sent,
        folder=folder,
        name=folder.name,
        headline=headline(stages),
        chapters={stage.title: _told(stages[stage.name]) for stage in STAGES if stage.name in stages},
        totals={**sent.totals, **{f"test/{name}": score["value"] for name, score in scores.items()}},
        files=tuple(
            file
            for file in (folder / "report.html", furthest / "findings.json", folder / "evaluation" / "evaluation.html")
            if file.is_file()
        ),
    )


def _told(stage: Outcome) -> tuple[str, ...]:
    return (*stage.sentences, *([f"Skipped: {stage.skipped}"] if stage.skipped else []))


def _run(run: Path) -> Parcel:
    history = runs_at(run)[0]  # of several ranks the first, whose curves the report shows
    folder = folder_of(run.resolve())
    report = _findings(folder)
    seen = monitoring(history)
    drawn = charts_of(history, seen)
    figures = {_named(each.title): figure_of({name: each}, {}).png() for name, each in drawn.items()}
    for layer in seen.filters:
        figures |= {f"filters {layer.path.replace('/', '-')}": png(*grid(picture)) for picture in layer.pictures[-1:]}
    found = tuple(_found(each) for each in report["findings"])
    counts = Counter(each.severity for each in found)
    wrong = [each for each in report["findings"] if each["severity"] == "error"]
    places = {(each["where"][0]["file"], each["where"][0]["line"]) if each["where"] else each["name"] for each in wrong}
    start, end = history.started, history.ended
    return Parcel(
        folder=folder,
        name=folder.name,
        script=report["script"],
        exit_code=end.exit_code if end else 0,
        started=start.time if start else (folder / _FILES[0]).stat().st_mtime,
        headline=sentence(len(places), counts["warning"], history.ticks),
        findings=found,
        chapters={},
        totals={f"findings/{severity}": counts[severity] for severity in ("error", "warning", "note")},
        scalars=tuple(_scalars(drawn.values(), history)),
        figures=figures,
        files=tuple(folder / name for name in _FILES),
    )


def _findings(folder: Path) -> Any:
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise UsageProblem(
            f"Expected a report in {folder}, found no {' and no '.join(missing)}.",
            "no-report",
            f"Make it: seatrial report {folder}",
        )
    return json.loads((folder / "findings.json").read_text(encoding="utf-8"))


def _found(finding: Any) -> Found:
    places = [f"{place['file']}:{place['line']}" for place in finding["where"][:1]]
    return Found(finding["severity"], finding["name"], "".join(places), finding["message"], finding["remedy"])


def _named(title: str) -> str:
    """The title of a chart as a name that is no path."""
    return title.lower().replace(" / ", " over ")


def _scalars(drawn: Iterable[Chart], run: Run) -> Iterable[Curve]:
    """Every curve once: not its trend, which a tracker draws by itself; and rates although they stay the same."""
    rates = "Learning rate"
    groups = [(each.title, each.data.curves) for each in drawn if each.data is not None and each.title != rates]
    groups += [(rates, curves.learning_rates(run, constant=True))]
    for title, found in groups:
        for curve in found:
            if curve.kind != "smooth":
                label = f"{PREFIX}/{_named(title)}/{curve.label.replace('/', '-')}"
                yield replace(curves.thin(curve), label=label)
