"""Sending from a process of its own: for `seatrial run`, once the script has ended, and for `seatrial report`.

In the process of the script it could not be done: Python has gone through its end there (no threads start any more), the
libraries are as the script left them, and a server that hangs would hang the script's exit status.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seatrial.errors import UsageProblem
from seatrial.integrations.trackers.hearing import Heard
from seatrial.launch.folder import LOG
from seatrial.launch.progress import Progress
from seatrial.targets import Target, targets

if TYPE_CHECKING:
    from seatrial.config import Config

LONGEST = 300  # seconds that one tracker may take
_HEARD = ("tensorboard", "wandb")  # whose runs are told by the files that they make
_SENT, _PROBLEM = "seatrial-sent", "seatrial-problem"


class Sending:
    """What `seatrial run` sends, and to whom: `asked` for by the command line, or else by the settings."""

    def __init__(self, asked: tuple[Target, ...]) -> None:
        self._targets = asked
        self._heard = Heard()
        self._folder = Path.cwd()

    def ready(self, config: Config) -> None:
        """Check, before the script starts.

        Raises:
            UsageProblem: it cannot work.
        """
        self._targets = self._targets or config.track
        if self._targets:
            from seatrial.integrations.trackers.tracking import check

            check(self._targets)

    def listen(self) -> None:
        """The script starts."""
        if any(each.tracker in _HEARD for each in self._targets):
            self._heard.start()

    def ended(self, run: Path, started: float, stderr: Any, quiet: bool) -> None:
        """The script has ended and its report is written: send it. Nothing is raised."""
        self._heard.stop()
        if not self._targets:
            return
        try:
            self._remember(run, started)
            send_all(run, self._targets, stderr, quiet, self._folder)
        except (Exception, KeyboardInterrupt) as error:
            names, why = ", ".join(map(str, self._targets)), f"{type(error).__name__}: {error}".rstrip(": ")
            with contextlib.suppress(Exception):
                print(f"seatrial: not sent to {names} ({why})", file=stderr)

    def _remember(self, run: Path, started: float) -> None:
        """Which runs the script kept itself: what is sent belongs to them, also if it is sent later."""
        from seatrial.integrations.trackers.tracking import KNOWN, remember

        own: dict[str, dict[str, str]] = {}
        for each in self._targets:
            with contextlib.suppress(Exception):  # a library in whatever state: then a run of its own
                own[str(each)] = KNOWN[each.tracker].own_run(self._heard, started)
        remember(run, own)


def send_all(run: Path, wanted: Iterable[Target], stderr: Any, quiet: bool, folder: Path | None = None) -> bool:
    """Send a run to each, and say where it is or why it is not. Returns whether all took it.

    Args:
        folder: from which relative places count; the current one unless given.
    """
    good = True
    for each in wanted:
        with Progress(stderr, not quiet, "sending to ") as progress:
            progress.tell(str(each))
            seen, problem = _sent(run, each, folder or Path.cwd())
        good = good and not problem
        if problem:
            print(f"seatrial: {problem}", file=stderr)
        elif not quiet:
            print(f"seatrial: sent to {each.tracker}: {seen}", file=stderr)
    return good


def _sent(run: Path, target: Target, folder: Path) -> tuple[str, str]:
    """Where it can be seen, and why it was not sent: one of them is ""."""
    from seatrial.integrations.trackers.tracking import again

    command = [sys.executable, "-P", "-W", "ignore", "-m", __name__, str(run.resolve()), str(target)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        late = ""
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            late = f"it took more than {LONGEST} seconds"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        text = _read(said)
    for line in reversed(text.splitlines()):
        kind, _, told = line.partition(" ")
        if kind == _SENT:
            return json.loads(told), ""
        if kind == _PROBLEM:
            _log(run, text)
            return "", json.loads(told)
    _log(run, text)
    why = late or f"its process ended with status {process.returncode}, see {run / LOG}"
    return "", f"Expected {target} to take the run, found: {why}. {again(run, target)} [not-sent]"


def _read(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode("utf-8", "replace")


def _log(run: Path, text: str) -> None:
    with contextlib.suppress(OSError), (run / LOG).open("a", encoding="utf-8") as log:
        log.write(text)


def main(run: str, target: str) -> None:
    """In the process of its own: send, and tell the parent by the last line."""
    import traceback

    from seatrial.integrations.trackers.packing import packed
    from seatrial.integrations.trackers.tracking import send

    try:
        (wanted,) = targets([target], "--track")
        print(_SENT, json.dumps(send(packed(Path(run)), wanted)), flush=True)
    except UsageProblem as problem:
        traceback.print_exc(file=sys.stdout)
        print(_PROBLEM, json.dumps(str(problem)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
