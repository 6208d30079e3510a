"""Which runs of trackers a script makes, told by Python itself (PEP 578): which files it opens, which folders it makes.

Nothing of the script or of a tracker is patched or imported for it. Python keeps such a hook until it ends, so it is only
there where a run is to be sent to a tracker that needs it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_EVENTS_FILE = "events.out.tfevents."
_WANDB_FOLDERS = ("wandb", ".wandb")
_WANDB_RUNS = ("run-", "offline-run-")


class Heard:
    """`events_files`: TensorBoard's, `wandb_runs`: folders of runs; absolute paths, in order of appearance."""

    def __init__(self) -> None:
        self.events_files: list[str] = []
        self.wandb_runs: list[str] = []
        self._on = False

    def start(self) -> None:
        """Begin to hear."""
        self._on = True

        def hear(event: str, arguments: tuple[Any, ...]) -> None:  # a function is called at a third of a method's cost
            if event == "open" or event == "os.mkdir":
                self._hear(event, arguments)

        sys.addaudithook(hear)

    def stop(self) -> None:
        """Hear no more."""
        self._on = False

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        try:  # whatever is raised here would be the script's to bear
            path = os.fsdecode(arguments[0])
            name = os.path.basename(path)
            if event == "open" and name.startswith(_EVENTS_FILE):
                _add(self.events_files, path)
            elif event == "os.mkdir" and name.startswith(_WANDB_RUNS):
                full = os.path.abspath(path)
                if os.path.basename(os.path.dirname(full)) in _WANDB_FOLDERS:
                    _add(self.wandb_runs, full)
        except Exception:
            return


def _add(known: list[str], path: str) -> None:
    """The name is no other's, but a relative path means another place once the script has changed its folder: the first holds."""
    if os.path.basename(path) not in map(os.path.basename, known):
        known.append(os.path.abspath(path))
