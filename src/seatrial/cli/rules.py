"""`seatrial rules`: what can be found."""

from __future__ import annotations

import click

from seatrial.catalogue import entry


@click.command()
def command() -> None:
    """List all findings that a rule looks for, with what is true of the program when one is right."""
    from rich.console import Console
    from rich.table import Table

    from seatrial.rules import discover

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name in discover():
        table.add_row(name, entry(name).statement)
    console = Console()
    console.print(table)
    console.print(f"[dim]{len(discover())} rules. `seatrial explain NAME` shows the page of one.[/dim]")
