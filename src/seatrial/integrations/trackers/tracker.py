"""What a tracker is: a module of this folder with these functions. The library itself is imported by `send` alone."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from seatrial.errors import UsageProblem
from seatrial.integrations.trackers.hearing import Heard
from seatrial.integrations.trackers.parcel import Parcel

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")

# How a tracker finds a run again, in its own words; {} where there is none.
Known: TypeAlias = "dict[str, str]"


@dataclass(frozen=True, slots=True)
class Sent:
    """`known`: the run that took it. `seen`: where a person finds it."""

    known: Known
    seen: str


class Tracker(Protocol):
    """A tracker of experiments."""

    def check(self, where: str) -> None:
        """Refuse, before a script runs, what can be known not to work. Imports nothing that the script would notice.

        Raises:
            UsageProblem: the library is missing, or the place is none.
        """
        ...

    def own_run(self, heard: Heard, started: float) -> Known:
        """The run of this tracker that a script kept which has just ended in this process; {} where it kept none.

        `started`: seconds since the epoch."""
        ...

    def send(self, parcel: Parcel, where: str, known: Known) -> Sent:
        """Send a run.

        Args:
            where: as of a `Target`.
            known: the run that it belongs to: the script's own, or the one that took it before. {}: what is live in this
                process, or else a new one.
        """
        ...


def needed(module: str, library: str, extra: str) -> None:
    """Refuse a tracker whose library is not installed.

    Raises:
        UsageProblem: it is not.
    """
    if importlib.util.find_spec(module) is None:
        raise UsageProblem(
            f"Expected the package {library}, found that it is not installed.",
            "no-tracker-library",
            f"Install it: pip install seatrial[{extra}]",
        )


def reachable(uri: str) -> None:
    """Refuse the address of a server (http or https) where nobody answers. Not behind a proxy: how to ask it is the library's to know.

    Raises:
        UsageProblem: nobody does, within five seconds.
    """
    if any(os.environ.get(name) for name in _PROXIES):
        return
    import socket
    from urllib.parse import urlsplit

    try:
        address = urlsplit(uri)
        port = address.port or {"http": 80, "https": 443}[address.scheme]
        socket.create_connection((address.hostname or "", port), timeout=5).close()
    except (OSError, ValueError) as error:
        raise UsageProblem(
            f"Expected a server at {uri}, found none ({error}).",
            "tracker-unreachable",
            "Start it, or run without --track: `seatrial report RUN --track ...` sends the run later.",
        ) from error
