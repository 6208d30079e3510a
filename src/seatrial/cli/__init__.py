"""The command line. A command is a file of its own here, imported when it is called: `--help` needs no torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

import click

import seatrial
from seatrial.cli.lazy import LazyGroup
from seatrial.errors import UsageProblem
from seatrial.terminals import printable

INTERRUPTED = 130  # what a shell shows of a process that SIGINT ended
_COMMANDS = {
    "run": "Run a training script and say what is wrong with it.",
    "check": "Put a task, described in a few lines of Python, on trial.",
    "train": "Train a task, watched: validation, checkpoints, going on after a kill.",
    "lr": "Find the learning rate of a task or a script.",
    "optimizers": "Compare optimizers on a task fairly: what differs, and what cannot be said.",
    "imbalance": "Compare remedies for rare classes, and recommend one.",
    "schedules": "Recommend how the learning rate should fall, drawn before training.",
    "learning-curve": "Train on growing subsets: what more data would bring.",
    "search": "Search hyperparameters and architecture: coarse to fine, noise respected, on one machine or many.",
    "ensemble": "Combine several models of a task: which, how, and what it is worth.",
    "evaluate": "Say how well a model does: figures with intervals, classes, calibration, slices.",
    "practice": "Lead a task through the whole lecture, from sealing to opening the vault.",
    "compare": "Is one method better than another, or is it chance?",
    "cross-validate": "Measure a task on little data: k-fold and nested cross-validation.",
    "vault": "Seal test data, and open them at the end.",
    "report": "Judge a recorded run anew.",
    "explain": "Explain a finding: why it harms, how it is recognised.",
    "rules": "List all that can be found.",
}


@click.group(
    cls=LazyGroup, package="seatrial.cli", described=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(seatrial.__version__, prog_name="seatrial")
def group() -> None:
    """seatrial puts a PyTorch training program through its trials: what is wrong, in which line, and what mends it."""


def main() -> None:
    """Entry point. Bad input is a message and exit status 2, never a traceback."""
    action = _asked_for()
    status = action() if callable(action) else action
    if status == INTERRUPTED:
        _end_by_interrupt()
    sys.exit(status)


def _asked_for() -> Callable[[], int] | int:
    """What the command line asks for: done already (the exit status), or still to be done."""
    try:
        return group.main(standalone_mode=False, prog_name="seatrial") or 0
    except UsageProblem as problem:
        print(printable(f"seatrial: {problem}"), file=sys.stderr)
    except click.ClickException as problem:
        problem.show()
    except click.Abort:
        return INTERRUPTED
    return 2


def _end_by_interrupt() -> NoReturn:
    """End as a program does that Ctrl-C ended: by the signal itself, once Python has tidied up.

    Python does so for a KeyboardInterrupt that nobody caught; its traceback has been shown already."""
    sys.excepthook = _show_nothing
    raise KeyboardInterrupt


def _show_nothing(*_: object) -> None:
    pass
