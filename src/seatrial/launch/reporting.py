"""From a record to its report: shared by the end of a run and by `seatrial report`."""

from __future__ import annotations

from pathlib import Path

from seatrial.config import Config, load
from seatrial.events import CallSeen, TorchSeen
from seatrial.history import Run
from seatrial.report import show as show_report
from seatrial.report import write
from seatrial.report.formats import Formats
from seatrial.report.sources import without_source
from seatrial.verdict import Verdict, judge


def publish(run: Run, folder: Path, config: Config, show: bool = True, formats: Formats | None = None) -> Verdict:
    """Judge a run, leave findings.json and report.html in the folder and other formats where they are wanted, print what
    matters; without the source where the formats say so."""
    formats = formats or Formats()
    verdict = judge(run.events, config)
    if not formats.source:
        verdict = without_source(verdict)
    write(verdict, folder)
    if show:
        show_report(verdict, folder)
    formats.write(verdict)
    return verdict


def settings_of(run: Run) -> Config:
    """The settings of the folder that a run's script lies in, or lay, as they are now; of the current folder where the record
    does not tell or the place is gone."""
    started = run.started
    if started is None:
        return load(Path.cwd())
    script = Path(started.folder, started.script)
    folder = script.parent if script.is_file() else Path(started.folder)
    return load(folder if folder.is_dir() else Path.cwd())


def untrained(run: Run) -> str:
    """Why there was no training to judge and what was seen, "" where there was. Silence must not read as health."""
    if not run.every(TorchSeen):
        if any(each.what.startswith("torch") for each in run.not_looked_at):
            return ""
        return (
            "Expected a script that trains a network, found one that never imported torch. "
            "There was nothing to judge. [no-torch]"
        )
    if run.ticks or run.calls_of("backward") or run.calls_of("step"):
        return ""
    seen = (
        f"{_forwards(run)} forward passes of {len(run.models)} models, {len(run.optimizers)} optimizers, "
        f"{len(run.loaders)} data loaders"
    )
    return (
        f"Expected a script that trains a network, found no backward pass and no optimizer step (seen: {seen}). "
        "There was nothing to judge. Processes that a script starts are not watched. [no-training]"
    )


def _forwards(run: Run) -> int:
    calls = {call.call for call in run.every(CallSeen) if call.kind == "forward"}
    in_turns = sum(
        turn.repeats * count
        for turn in run.turns
        for call, count in zip(turn.calls, turn.counts, strict=True)
        if call in calls
    )
    return max(in_turns, sum(each.forwards for each in run.passes))
