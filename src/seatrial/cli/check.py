"""`seatrial check [--out DIR] [--quiet] [--trials full|quick] [--sarif FILE] [--junit FILE] [--no-source] TASK.py[:NAME]`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from seatrial.cli import options
from seatrial.cli.formats import format_options, source_option
from seatrial.cli.threads import let_threads_sleep


@click.command()
@options.out("Folder for findings.json, report.html and the record.")
@click.option("--quiet", is_flag=True, help="Print no report and no progress; the files are still written.")
@click.option(
    "--trials",
    type=click.Choice(["full", "quick"]),
    default="full",
    show_default=True,
    help="Experiments on copies. full: all; quick: only those that train nothing.",
)
@format_options
@source_option
@options.task
def command(
    out: Path | None,
    quiet: bool,
    trials: Literal["full", "quick"],
    sarif: Path | None,
    junit: Path | None,
    no_source: bool,
    task: str,
) -> int:
    """Put the task that a file describes on trial, before it is trained in earnest.

    The file makes a seatrial.Task: a model, a loss and data. It is trained for some dozen steps and experimented on. The exit
    status is 1 where an error was found, 0 where none was, 2 where the task is not what it should be.
    """
    let_threads_sleep()
    from seatrial.launch.folder import default_folder
    from seatrial.practice.checking import check
    from seatrial.practice.taskfile import find
    from seatrial.report import show
    from seatrial.report.formats import wanted

    formats = wanted(sarif, junit, not no_source)
    program, found = find(task)
    outcome = check(found, trials=trials, out=out or default_folder(program), progress=not quiet, source=not no_source)
    formats.write(outcome.shown)
    if not quiet:
        show(outcome.shown, outcome.folder)
    return 1 if outcome.verdict.errors else 0
