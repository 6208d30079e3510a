"""A script's learning rate: it is run under watch until some steps are recorded, then forks of them are trained."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.launch.ending import Ending
from seatrial.launch.program import Program
from seatrial.launch.progress import Progress
from seatrial.launch.session import Session
from seatrial.launch.trying import one_thread

if TYPE_CHECKING:
    from seatrial.report.rates import FoundRate
    from seatrial.taps import Watch


# The training that a script's rate is for where nobody says how long it is: short ones are mostly tries.
LEAST_WANTED = 500


class RateSession(Session):
    """One run for its learning rate.

    Args:
        stop: the program after so many steps of its optimizers; 0: it runs to its end.
        wanted: steps of the training that the rate is for; if nothing is given as many as the script made, where it ran to its
            end, but at least LEAST_WANTED.
        seconds: CPU time that may be spent on forks.
    """

    in_ranks = False

    def __init__(
        self, program: Program, out: Path | None, quiet: bool, stop: int, wanted: int | None, seconds: float
    ) -> None:
        super().__init__(program, out, quiet=quiet, trials="off")
        self.stop = stop
        self.wanted = wanted
        self.allowed = seconds
        self.found: FoundRate | None = None
        self.why = "torch was not imported"

    def _torch_is_here(self) -> None:
        super()._torch_is_here()
        if self.stop and self.watch is not None:
            from seatrial.taps.enough import stop_after

            stop_after(self.stop)

    def _report(self, outcome: Ending) -> int:
        from seatrial.report.rates import lines, write

        if self.watch is not None:
            self._search(self.watch)
        if self.found is None:
            print(f"seatrial: No suggestion, because {self.why}.", file=sys.stderr)
            return 1 if outcome.status in ("completed", "interrupted") or not outcome.code else outcome.code
        write(self.found, self.folder)
        if not self.quiet:
            for line in lines(self.found):
                print(f"seatrial: {line}", file=sys.stderr)
            print(f"seatrial: see {self.folder / 'rate.html'}", file=sys.stderr)
        return 1 if self.found.why else 0

    def _search(self, watch: Watch) -> None:
        from seatrial.history import Run
        from seatrial.record import read
        from seatrial.report.rates import FoundRate
        from seatrial.step.replay import NotReplayable
        from seatrial.trials.fork_rates import forked_search
        from seatrial.trials.plan import plan
        from seatrial.trials.rates import largest_curvature, limit_of_stability

        try:
            with one_thread(), Progress(self._stderr, not self.quiet) as progress:
                found = plan(Run.of(read(self.recorder.path)), watch.steps, watch.optimizer_classes)
                searched = forked_search(found, self._steps(watch), self.allowed, progress.tell)
                curvature = largest_curvature(found)
        except NotReplayable as reason:
            self.why = str(reason)
            return
        limit = limit_of_stability(found.optimizer, found.groups[0].settings, curvature)
        count = len(found.step.batches)
        copies = f"copies on {count} recorded batch{'' if count == 1 else 'es'}"
        self.found = FoundRate(searched, curvature, limit, self.program.label, found.optimizer.__name__, copies)

    def _steps(self, watch: Watch) -> int:
        """Of the training that the rate is for. A script that was stopped has not said how long it would have trained."""
        return self.wanted or max(LEAST_WANTED, 0 if self.stop else watch.optimizer_steps)
