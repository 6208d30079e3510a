"""`seatrial practice [--out DIR] [TASK.py[:NAME]]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seatrial.cli import options
from seatrial.cli.track import track_option, tracked

if TYPE_CHECKING:
    from seatrial.practice.fitting.settings import Settings

SPACE = "space"


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the practice; give the same one to go on after an interruption.",
)
@options.into_settings(
    options.epochs(30, "Most passes over the training data."),
    options.patience("Stop after this many epochs without improvement on the validation data; 0: never."),
    options.seed("Seed of all random numbers."),
)
@click.option(
    "--test", "test_share", type=float, default=0.2, show_default=True, help="Share of the data that is sealed."
)
@click.option(
    "--validation",
    "validation_share",
    type=float,
    default=0.15,
    show_default=True,
    help="Share of the rest for validation.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Check without training copies, keep the learning rate, skip the search and the ensemble.",
)
@click.option("--quiet", is_flag=True, help="Print nothing; the report is still written.")
@track_option
@click.argument("task", metavar="[TASK.py[:NAME]]", required=False)
def command(
    out: Path | None,
    settings: Settings,
    test_share: float,
    validation_share: float,
    quick: bool,
    quiet: bool,
    track: tuple[str, ...],
    task: str | None,
) -> int:
    """Lead a task through the whole lecture: seal the test data, look at the data, check, find the learning rate, train on a subset,
    search, train, combine, choose by validation, learn from all data, open the vault once, report.

    Without a task it is handwritten digits. A function `space(trial)` beside the task says what is searched. The exit status
    is 1 where the task is wrong.
    """
    import seatrial.practice.tasks
    from seatrial.integrations.trackers.sending import send_all
    from seatrial.launch.folder import default_folder
    from seatrial.practice.lecture.conduct import REPORT, practise
    from seatrial.practice.taskfile import run

    words = task or str(Path(seatrial.practice.tasks.__path__[0]) / "digits.py")
    trackers = tracked(track, words)
    described = run(words)
    program, found = described.program, described.task()
    space: Any = described.names.get(SPACE)
    folder = out or default_folder(program)
    diary = practise(
        found,
        folder,
        settings,
        test_share=test_share,
        validation_share=validation_share,
        quick=quick,
        space=space,
        name=Path(program.name).stem,
        progress=not quiet,
    )
    if not quiet:
        click.echo(f"\nFull report: {folder / REPORT}", err=True)
    send_all(folder, trackers, sys.stderr, quiet)
    return int(any(outcome.stops for outcome in diary.outcomes.values()))
