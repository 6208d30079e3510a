"""`seatrial rules`: what can be found."""

from __future__ import annotations

import ast
import inspect
import sys
from typing import TYPE_CHECKING

import click

from seatrial.catalogue import entry

if TYPE_CHECKING:
    from seatrial.rules import Rule

SEVERITIES = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command()
def command() -> None:
    """List all findings that a rule looks for, how severe they can be, and what is true of the program."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from seatrial.rules import discover

    console = Console(highlight=False, markup=False)
    for name, rule in discover().items():
        worst, *_ = found = _severities(rule)
        console.print(Text.assemble((name, "bold"), "  ", (" or ".join(found), SEVERITIES[worst])))
        console.print(Padding(entry(name).statement, (0, 0, 0, 2)))
    console.print(f"{len(discover())} rules. `seatrial explain NAME` shows the page of one.")


def _severities(rule: Rule) -> list[str]:
    """The severities that a rule may give, the worst first: it names them in its code."""
    code = ast.parse(inspect.getsource(sys.modules[rule.check.__module__]))
    named = {node.value for node in ast.walk(code) if isinstance(node, ast.Constant)}
    return [severity for severity in SEVERITIES if severity in named] or ["note"]
