"""From a record to its report: shared by the end of a run and by `seatrial report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seatrial.config import Config, load
from seatrial.events import CallSeen, GroupJoined, NotLookedAt, RankStarted, TorchSeen
from seatrial.history import Run
from seatrial.ranks import judge_ranks
from seatrial.record import locate, read
from seatrial.record.ranks import ranks_in, read_ranks
from seatrial.report import show as show_report
from seatrial.report import write
from seatrial.report.formats import Formats
from seatrial.report.sources import without_source
from seatrial.verdict import Verdict, judge


def runs_at(place: Path) -> list[Run]:
    """The run at a place (a folder, or a record); of several processes those of all, in order of their ranks.

    Raises:
        UsageProblem: there is none, or it cannot be read.
    """
    if place.is_dir() and ranks_in(place) and (ranks := [Run.of(events) for events in read_ranks(place)]):
        return [run for run in ranks if _takes_part(run)] or ranks
    return [Run.of(read(locate(place)))]


def folder_of(place: Path) -> Path:
    """The folder of the run at a place, where its reports lie."""
    return place if place.is_dir() else place.parent


def _takes_part(run: Run) -> bool:
    """Whether a process was launched as one of several that train, or turned out to be (torch.multiprocessing starts others, too)."""
    launched = any(event.world_size for event in run.every(RankStarted))
    failed = run.ended is not None and run.ended.exit_code != 0
    return launched or failed or run.ticks > 0 or bool(run.every(GroupJoined))


def judged(runs: Sequence[Run], config: Config) -> Verdict:
    """The verdict on a run, or on those of several processes together."""
    if len(runs) > 1:
        return judge_ranks(runs, config)
    joined = runs[0].every(GroupJoined)
    unseen = NotLookedAt(
        f"the other processes of {joined[0].world_size if joined else 1}",
        "no record of theirs is here: start each with RANK and WORLD_SIZE set, as torchrun does, to have them judged together",
    )
    return judge((*runs[0].events, unseen) if joined else runs[0].events, config)


def publish(
    runs: Sequence[Run], folder: Path, config: Config, show: bool = True, formats: Formats | None = None
) -> Verdict:
    """Judge a run, or those of several processes together; leave findings.json and report.html in the folder and other
    formats where they are wanted, print what matters; without the source where the formats say so."""
    formats = formats or Formats()
    verdict = judged(runs, config)
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
        "There was nothing to judge. Of the processes that a script starts only those of torchrun and of torch.multiprocessing.spawn are watched. [no-training]"
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
