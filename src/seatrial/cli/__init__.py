"""The command line. A command is a file of its own here, imported when it is called: `--help` needs no torch."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import NoReturn

import click

import seatrial
from seatrial.errors import UsageProblem

INTERRUPTED = 130  # what a shell shows of a process that SIGINT ended
_COMMANDS = {
    "run": "Run a training script and say what is wrong with it.",
    "check": "Put a task, described in a few lines of Python, on trial.",
    "report": "Judge a recorded run anew.",
    "explain": "Explain a finding: why it harms, how it is recognised.",
    "rules": "List all that can be found.",
}


class _Lazy(click.Group):
    """A group whose commands are imported when they are wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        return importlib.import_module(f"seatrial.cli.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
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
        print(f"seatrial: {problem}", file=sys.stderr)
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
