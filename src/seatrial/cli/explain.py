"""`seatrial explain NAME`: the page of a finding."""

from __future__ import annotations

import click

from seatrial.catalogue import entry
from seatrial.errors import UsageProblem


@click.command()
@click.argument("name")
def command(name: str) -> None:
    """Explain a finding: what it finds, why it harms, how it is recognised, a faulty and a mended program."""
    from seatrial.report.page import show
    from seatrial.report.pages import with_thresholds
    from seatrial.rules import discover

    known = entry(name)
    rule = discover().get(name)
    if rule is None:
        raise UsageProblem(
            f"{name} is in the catalogue ({known.statement}), but no rule looks for it yet.",
            "no-rule",
            "`seatrial rules` lists those that do.",
        )
    show(with_thresholds(rule), known)
