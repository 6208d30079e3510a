"""From a record to its report: shared by the end of a run and by `seatrial report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.config import Config
from seatrial.record import NAME, read
from seatrial.report import show as show_report
from seatrial.report import write
from seatrial.verdict import Verdict, judge

if TYPE_CHECKING:
    from seatrial.taps import Watch


def report(folder: Path, config: Config, show: bool = True) -> Verdict:
    """Judge the record in a folder, leave findings.json and report.html there, print what matters."""
    verdict = judge(read(folder / NAME), config)
    write(verdict, folder)
    if show:
        show_report(verdict, folder)
    return verdict


def nothing_to_judge(watch: Watch | None) -> str:
    """Why there was no training to judge, "" where there was. Silence must not read as health."""
    if watch is None:
        return "the script ended without importing torch, so there was no training to watch. [no-torch]"
    if watch.tick or watch.optimizer_steps:
        return ""
    seen = {"forward": 0, "mode": 0}
    for kind, *_ in watch.calls:
        seen[kind] = seen.get(kind, 0) + 1
    optimizers = len(watch.optimizers.living())
    return (
        "the script ended without training: no backward pass and no optimizer step was seen "
        f"(models called from {seen['forward']} lines, {optimizers} optimizers still alive). "
        "If it trains in another process, seatrial does not see it. [no-training]"
    )
