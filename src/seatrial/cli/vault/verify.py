"""`seatrial vault verify VAULT [--head HASH]`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("vault", type=click.Path(path_type=Path))
@click.option("--head", default="", metavar="HASH", help="Hash of an entry that you know was written.")
def command(vault: Path, head: str) -> int:
    """Check every entry of the ledger, its chain and signatures, that nothing was taken back, and every byte of the sealed file.

    Exit status 0 where all is as it was written, 1 where something was changed, 2 where there is no vault to check.
    """
    from seatrial.vault.refusal import Damaged
    from seatrial.vault.vault import Vault

    try:
        found = Vault(vault).verify(head)
    except Damaged as problem:
        click.echo(f"seatrial: {problem}", err=True)
        return 1
    entries = f"{len(found.entries)} entr{'y' if len(found.entries) == 1 else 'ies'}"
    looks = f"{found.looks} look{'' if found.looks == 1 else 's'}"
    click.echo(f"{vault} is as it was written: {entries}, {looks}.")
    click.echo(f"head {found.head}")
    if not found.remembered and not head:
        click.echo(
            "This machine has not seen this ledger before: had it been put back to an earlier state, that would not show. Compare the "
            "head with one that was noted elsewhere (--head)."
        )
    return 0
