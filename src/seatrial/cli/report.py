"""`seatrial report [--strict] [--sarif FILE] [--junit FILE] [--no-source] RUN`: judge a record anew."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from seatrial.cli.formats import format_options, source_option
from seatrial.record import locate


@click.command()
@click.option("--strict", is_flag=True, help="End with status 1 if an error is found.")
@click.option("--quiet", is_flag=True, help="Print no report; the files are written all the same.")
@format_options
@source_option
@click.argument("run", type=click.Path(path_type=Path))
def command(strict: bool, quiet: bool, sarif: Path | None, junit: Path | None, no_source: bool, run: Path) -> int:
    """Judge the record of a run anew (also of one that was killed), rewrite its reports and print what matters.

    RUN is the folder that `seatrial run` left, or its record.sqlite. The settings are those of the folder that the
    script lies in, as they are now. The exit status is 0, with --strict 1 where an error was found, and 2 where there is no
    record to judge.
    """
    from seatrial.history import Run
    from seatrial.launch.reporting import publish, settings_of, untrained
    from seatrial.record import read
    from seatrial.report.formats import wanted

    formats = wanted(sarif, junit, not no_source)
    record = locate(run)
    history = Run.of(read(record))
    verdict = publish(history, record.parent, settings_of(history), not quiet, formats)
    if nothing := untrained(history):
        print(f"seatrial: {nothing}", file=sys.stderr)
    return 1 if strict and verdict.errors else 0
