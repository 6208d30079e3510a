"""`seatrial vault log VAULT [--json]`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("vault", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the entries as they are in the ledger, one on each line.")
def command(vault: Path, as_json: bool) -> None:
    """Show what was sealed and every look: when, which model, the plan, the reason, what was answered."""
    from seatrial.vault.story import told
    from seatrial.vault.vault import Vault

    entries = Vault(vault).log()
    if as_json:
        for entry in entries:
            click.echo(entry.line.decode())
    else:
        for line in told(entries):
            click.echo(line)
