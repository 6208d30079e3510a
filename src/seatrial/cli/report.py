"""`seatrial report [--strict] [--sarif FILE] [--junit FILE] [--no-source] [--track TRACKER] RUN`: judge a record anew."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from seatrial.cli.formats import format_options, source_option
from seatrial.cli.track import track_option


@click.command()
@click.option("--strict", is_flag=True, help="End with status 1 if an error is found.")
@click.option("--quiet", is_flag=True, help="Print no report; the files are still written.")
@format_options
@source_option
@track_option
@click.argument("run", type=click.Path(path_type=Path))
def command(
    strict: bool,
    quiet: bool,
    sarif: Path | None,
    junit: Path | None,
    no_source: bool,
    track: tuple[str, ...],
    run: Path,
) -> int:
    """Judge the record of a run anew (also of one that was killed), rewrite its reports and print what matters.

    RUN is the folder that `seatrial run` left, or its record.sqlite. Where several processes trained together, the records of all
    that are in the folder are judged as one; the record of one rank alone can be given, too. The settings are those of the folder that the
    script lies in, as they are now. With --track it may also be the folder of a practice, which is sent as it is.

    The exit status is 0, with --strict 1 where an error was found, and 2 where there is no record to judge or a tracker
    did not take it.
    """
    from seatrial.integrations.trackers.sending import send_all
    from seatrial.integrations.trackers.tracking import check
    from seatrial.launch.reporting import folder_of, publish, runs_at, settings_of, untrained
    from seatrial.practice.lecture.outcome import outcomes_in
    from seatrial.report.formats import wanted
    from seatrial.targets import targets

    formats = wanted(sarif, junit, not no_source)
    trackers = targets(track, "--track")
    check(trackers)
    if trackers and outcomes_in(run):
        return 0 if send_all(run, trackers, sys.stderr, quiet) else 2
    runs, folder = runs_at(run), folder_of(run)
    verdict = publish(runs, folder, settings_of(runs[0]), not quiet, formats)
    if nothing := untrained(verdict.run):
        print(f"seatrial: {nothing}", file=sys.stderr)
    if not send_all(folder, trackers, sys.stderr, quiet):
        return 2
    return 1 if strict and verdict.errors else 0
