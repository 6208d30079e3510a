"""A practice from its first stage to its report. What was done before an interruption is not done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from seatrial.practice.fitting.settings import Settings
from seatrial.practice.lecture.outcome import Diary, headline
from seatrial.practice.lecture.practice import Practice
from seatrial.practice.lecture.stages import STAGES
from seatrial.practice.task import Task
from seatrial.report.chapters import Chapter, write_chapters

REPORT = "report.html"


def practise(
    task: Task,
    out: Path,
    settings: Settings,
    *,
    test_share: float = 0.2,
    validation_share: float = 0.15,
    quick: bool = False,
    space: Callable[[Any], Task] | None = None,
    name: str = "",
    progress: bool = True,
) -> Diary:
    """Lead a task through the whole lecture, in a folder of its own; go on there after an interruption.

    Args:
        test_share: of the data, sealed where the task has no vault.
        validation_share: of what is left, set apart where the task has no validation data.
        quick: check without training copies, take the learning rate as it is, search and combine nothing.
        space: the same task as a function of an Optuna trial, with choices to be searched (see `seatrial.search`).
        name: for the report, where the task has none.

    Raises:
        UsageProblem: the task or the folder is not what it should be.
    """
    shares = [test_share, validation_share]
    about = {
        "task": task.name,
        "settings": asdict(settings),
        "shares": shares,
        "quick": quick,
        "space": space is not None,
    }
    practice = Practice(task, Diary(out, about), settings, test_share, validation_share, quick, progress, space)
    console = Console(stderr=True, quiet=not progress, highlight=False, markup=False)
    for stage in STAGES:
        known = practice.diary.outcomes.get(stage.name)
        console.print(f"\n{stage.title}" + ("  (done before)" if known else ""), style="bold")
        outcome = known or stage.run(practice)
        if known is None:
            practice.diary.keep(stage.name, outcome)
        for sentence in (*outcome.sentences, *([f"Skipped: {outcome.skipped}"] if outcome.skipped else [])):
            console.print(f"  {sentence}")
        _report(practice, task.name or name or "task")
        if outcome.stops:
            break
    return practice.diary


def _report(practice: Practice, name: str) -> None:
    """The report of what is done until now."""
    chapters = [
        Chapter(
            stage.title,
            stage.advice,
            outcome.sentences,
            outcome.skipped,
            outcome.link,
            outcome.values.get("epochs", []),
        )
        for stage in STAGES
        if (outcome := practice.diary.outcomes.get(stage.name)) is not None
    ]
    write_chapters(practice.folder / REPORT, name, headline(practice.diary.outcomes), chapters)
