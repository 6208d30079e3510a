"""`seatrial run [--out DIR] [--strict] [--quiet] [--sarif FILE] [--junit FILE] [--no-source] [--track TRACKER] SCRIPT [ARGS...]`, or
`-m MODULE` in the place of SCRIPT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from seatrial.cli.formats import format_options, source_option
from seatrial.cli.track import track_option
from seatrial.errors import UsageProblem


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--out", type=click.Path(path_type=Path), help="Folder for findings.json, report.html and the record.")
@click.option(
    "--strict", is_flag=True, help="End with status 1 if an error is found and the script itself ended with 0."
)
@click.option("--quiet", is_flag=True, help="Print no report; the files are still written.")
@click.option(
    "--trials",
    type=click.Choice(["full", "quick", "off"]),
    default="full",
    show_default=True,
    help="Experiments on copies after the script has ended. full: all, within a quarter of its time (10 s to 2 min); quick: only those that "
    "train nothing; off: none.",
)
@click.option("--trials-first", is_flag=True, help="Make the experiments that need only one step at the first step.")
@format_options
@source_option
@track_option
@click.option("--rank-of", type=click.Path(path_type=Path), hidden=True)  # what a watched launcher gives its processes
@click.option("-m", "--module", is_flag=True, help="SCRIPT is the name of a module, as for `python -m`.")
@click.argument("script", required=False)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(
    out: Path | None,
    strict: bool,
    quiet: bool,
    trials: str,
    trials_first: bool,
    sarif: Path | None,
    junit: Path | None,
    no_source: bool,
    track: tuple[str, ...],
    rank_of: Path | None,
    module: bool,
    script: str | None,
    args: tuple[str, ...],
) -> Callable[[], int]:
    """Run a training script, unmodified, as `python SCRIPT ARGS` would, and say what is wrong with it.

    What the script prints, computes and ends with stays as it is. The exit status is the script's own; but where the
    script ends with 0, it is 2 if there was nothing to judge (no training was seen), and 1 with --strict if an error
    was found. Options after SCRIPT are the script's.

    Several processes (torchrun -m seatrial run SCRIPT, or seatrial run -m torch.distributed.run SCRIPT) record each for
    itself, and get one report.
    """
    from seatrial.integrations.trackers.sending import Sending
    from seatrial.launch.program import Program
    from seatrial.launch.session import Session
    from seatrial.report.formats import wanted
    from seatrial.targets import targets

    if script is None:
        raise UsageProblem("A script to run was expected.", "no-script", "For instance: seatrial run train.py")
    # Run by `main`, not here: the script shall have as few frames below it as can be.
    formats = wanted(sarif, junit, not no_source)
    sending = Sending(targets(track, "--track"))
    program = Program(script, module, args)
    return Session(program, out, strict, quiet, trials, trials_first, formats, sending, rank_of).run
