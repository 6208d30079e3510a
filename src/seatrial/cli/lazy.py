"""A group of commands, each a file of its own that is imported when it is called: `--help` needs no torch."""

from __future__ import annotations

import importlib
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands by name with one line of help; command `a-b` is `command` in the module `package.a_b`."""

    def __init__(self, *args: Any, package: str, described: dict[str, str], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.package = package
        self.described = described

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.described)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.described:
            return None
        return importlib.import_module(f"{self.package}.{cmd_name.replace('-', '_')}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as problem:
            from seatrial.catalogue import nearest

            if near := nearest(args[0], self.described):
                raise click.UsageError(f"{problem.message} Did you mean {' or '.join(near)}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.described.items()))
