"""`seatrial vault identity`."""

from __future__ import annotations

import click


@click.command()
def command() -> None:
    """Print your card: what others need in order to seal data that only you can open.

    The identity itself lies in your own folder, readable by nobody else; it is made at the first use. Keep a copy: what is sealed to
    a lost identity stays shut.
    """
    from seatrial.vault.identities import IDENTITY, own

    identity = own(make=True)
    click.echo(str(identity.card))
    click.echo(f"The identity is in {identity.folder / IDENTITY}; the age tool takes it with -i.", err=True)
