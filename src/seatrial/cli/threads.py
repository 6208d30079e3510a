"""Threads of torch in the commands that train themselves. The program that `seatrial run` watches keeps its own way."""

from __future__ import annotations

import os


def let_threads_sleep() -> None:
    """Call before torch is imported: threads that wait for work sleep. Spinning, they take the cores of others, and small networks
    train several times more slowly where cores are shared. The figures stay the same."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
