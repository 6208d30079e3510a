"""`seatrial report RUN`: judge a record anew."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.config import load
from seatrial.record import locate

if TYPE_CHECKING:
    from seatrial.history import Run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Judge the record of a run anew (also of one that was killed), rewrite its reports and print what matters.

    RUN is the folder that `seatrial run` left, or its record.sqlite. The settings are those of the folder that the
    script lies in, as they are now.
    """
    from seatrial.history import Run
    from seatrial.launch.reporting import publish, untrained
    from seatrial.record import read

    record = locate(run)
    history = Run.of(read(record))
    publish(history, record.parent, load(_scripts_folder(history)))
    if nothing := untrained(history):
        print(f"seatrial: {nothing}", file=sys.stderr)


def _scripts_folder(history: Run) -> Path:
    """Where the script lies, or lay; the current folder where the record does not tell or the place is gone."""
    started = history.started
    if started is None:
        return Path.cwd()
    script = Path(started.folder, started.script)
    folder = script.parent if script.is_file() else Path(started.folder)
    return folder if folder.is_dir() else Path.cwd()
