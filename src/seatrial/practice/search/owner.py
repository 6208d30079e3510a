"""Who is at work on a training, and whether it still lives.

On one machine the system tells at once. Of a process on another machine only its beats tell: a count that it writes down every few
seconds. One whose count has stood still for a while, by the clock of the one who looks, is taken for dead; clocks need not agree.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

BEAT = 5.0  # seconds
SILENCE = 60.0  # after which it is taken for dead


def this_process() -> str:
    """A name that no other process has or will have: machine, process, and when it began."""
    return f"{_machine()}|{os.getpid()}|{_began(os.getpid())}"


def process_of(owner: str) -> int:
    """Its number on its machine."""
    return int(owner.split("|")[1])


class Looker:
    """Tells the living from the dead."""

    def __init__(self, silence: float = SILENCE) -> None:
        self._silence = silence
        self._seen: dict[int, tuple[int, float]] = {}

    def is_dead(self, trial: int, owner: str, beat: int) -> bool:
        """Whether the owner of a trial is gone.

        Args:
            trial: its id in the storage.
            beat: the count that was read now.
        """
        machine, process, began = owner.split("|")
        if machine == _machine() and began:
            return _began(int(process)) != began
        now = time.monotonic()
        before, since = self._seen.get(trial, (-1, now))
        if before != beat:
            self._seen[trial] = (beat, now)
            return False
        return now - since > self._silence

    @staticmethod
    def is_known_dead(owner: str) -> bool:
        """Whether the system of this machine says so: it cannot write to a folder any more."""
        machine, process, began = owner.split("|")
        return machine == _machine() and bool(began) and _began(int(process)) != began


class Beats:
    """Writes down every few seconds that this process lives, while it works within."""

    def __init__(self, write: Callable[[int], None], every: float = BEAT) -> None:
        self._write, self._every = write, every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        count = 0
        while not self._over.wait(self._every):
            count += 1
            try:
                self._write(count)
            except Exception:
                continue  # a server that is away for a moment; the next beat tells

    def __enter__(self) -> Beats:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _machine() -> str:
    """This machine since its last start, and the namespace in which its processes are numbered: containers have their own."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()}:{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _began(process: int) -> str:
    """When a process began, in ticks since the start of the machine; "" where it is not there, or the system does not tell."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
