"""`seatrial vault seal|open|log|verify|identity|attack-demo`: test data that are brought out only at the end."""

from __future__ import annotations

import click

from seatrial.cli.lazy import LazyGroup

_COMMANDS = {
    "seal": "Split data and seal the test part.",
    "open": "Score a frozen model on the sealed data; the look is written down.",
    "log": "Show who looked, when, with which model and why.",
    "verify": "Check every entry and every byte.",
    "identity": "Print your card, which others seal to.",
    "attack-demo": "Show what looking costs, on pure noise.",
}


@click.group("vault", cls=LazyGroup, package=__name__, described=_COMMANDS)
def command() -> None:
    """Keep the test data sealed until the work is done, and count every look."""
