"""docs/commands.md, from the commands themselves: their help, arguments and options as click knows them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from seatrial.cli import group
from seatrial.cli.lazy import LazyGroup

TOP = """\
# Commands

<!-- Written by docs/generate.py from the commands: do not edit. -->

Each command says the same with `--help`. [Exit statuses](exit-status.md) are those of all commands together. `seatrial --version`
prints the version. Where a folder is not named with `--out`, a new one under `seatrial-runs/` is made.

| command | |
|---|---|
{table}
"""


def text() -> str:
    """The whole page."""
    known = list(_commands(group, "seatrial"))
    rows = [f"| [`{name}`](#{name.replace(' ', '-')}) | {said} |" for name, _, said in known]
    return "\n".join([TOP.format(table="\n".join(rows)), *(_section(name, command) for name, command, _ in known)])


def _commands(of: LazyGroup, name: str) -> Iterator[tuple[str, click.Command, str]]:
    """All commands below a group with their full name and their line in its help."""
    for each, said in of.described.items():
        command = of.get_command(click.Context(of), each)
        assert command is not None, each
        yield f"{name} {each}", command, said
        if isinstance(command, LazyGroup):
            yield from _commands(command, f"{name} {each}")


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"## {name}", f"    {usage}", _paragraphs(command.help)]
    options = [each.get_help_record(context) for each in command.params if isinstance(each, click.Option)]
    if options:
        rows = [f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in options if record is not None]
        parts.append("\n".join(["| option | |", "|---|---|", *rows]))
    if command.epilog:
        parts.append(_paragraphs(command.epilog))
    return "\n\n".join(parts) + "\n"


def _paragraphs(words: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(words or "").split("\n\n"))


def _cell(words: str) -> str:
    """A text for a cell of a table, in which a bar would end the cell."""
    return " ".join(words.split()).replace("|", "\\|")
