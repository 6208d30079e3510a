"""`seatrial report RUN`: judge a record anew."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.config import load
from seatrial.record import locate


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Judge the record of a run anew (also of one that was killed), rewrite its reports and print what matters.

    RUN is the folder that `seatrial run` left, or its record.sqlite.
    """
    from seatrial.launch.reporting import report

    record = locate(run)
    report(record.parent, load(Path.cwd()))
