"""`--track TRACKER[:WHERE]`, for the commands that leave a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from seatrial.targets import Target

Command = TypeVar("Command", bound=Callable[..., Any])


def track_option(command: Command) -> Command:
    """Add the option, as `track`: a tuple of texts."""
    return click.option(
        "--track",
        multiple=True,
        metavar="TRACKER[:WHERE]",
        help="Send the run, once it is over, to mlflow[:URI], tensorboard[:DIR], trackio[:PROJECT] or wandb[:PROJECT]. May be "
        "given several times.",
    )(command)


def tracked(track: tuple[str, ...], task: str) -> tuple[Target, ...]:
    """The trackers of a task (TASK.py[:NAME]): those of the option, else of the settings beside its file; checked before any
    work.

    Raises:
        UsageProblem: one of them cannot work.
    """
    from seatrial.config import load
    from seatrial.integrations.trackers.tracking import check
    from seatrial.practice.taskfile import program_of
    from seatrial.targets import targets

    file = program_of(task)[0].name
    wanted = targets(track, "--track") or load(Path(file).resolve().parent).track
    check(wanted)
    return wanted
