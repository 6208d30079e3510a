"""The run itself: its start and end, the sources that it read, what was not looked at."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.events.basis import Place


@dataclass(frozen=True, slots=True)
class RunStarted:
    """First event. `script` is the path as given or the module's name; `time` is seconds since the epoch. `within`: the program
    ran already when it began to be watched, and nothing is known of what came before."""

    script: str
    argv: tuple[str, ...]
    time: float
    seatrial: str
    python: str
    folder: str
    within: bool = False


@dataclass(frozen=True, slots=True)
class TorchSeen:
    """The script imported torch."""

    version: str
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The end of the script; only what trials showed comes after it. `status`: completed | failed (an exception) | interrupted (Ctrl-C) | exited (SystemExit, os._exit).

    `exception` is the last line of the traceback. `seconds` is wall time of the script, `watching_seconds` what of it
    was spent in seatrial, as far as it measures itself.
    """

    status: str
    exit_code: int
    exception: str
    where: Place | None
    ticks: int
    optimizer_steps: int
    seconds: float
    watching_seconds: float


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """The text of a file of the user's, as it was when the run began to use it."""

    file: str
    text: str


@dataclass(frozen=True, slots=True)
class NotLookedAt:
    """Something that seatrial did not or could not look at. Silence must not read as health.

    `trial`: an experiment on copies that could not be made."""

    what: str
    why: str
    trial: bool = False
