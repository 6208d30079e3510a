"""`seatrial report RUN`: judge a record anew."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.config import load


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Judge the record of a run anew (also of one that was killed), rewrite its reports and print what matters.

    RUN is the folder that `seatrial run` left, or its record.sqlite.
    """
    from seatrial.launch.reporting import report

    report(run if run.is_dir() else run.parent, load(Path.cwd()))
