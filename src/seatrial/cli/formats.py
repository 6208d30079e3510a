"""`--sarif FILE --junit FILE`, for every command that judges; `--no-source` for those whose reports quote a program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def format_options(command: Command) -> Command:
    """Add the options, as `sarif` and `junit`: paths, or None."""
    file = click.Path(path_type=Path)
    junit = click.option("--junit", type=file, metavar="FILE", help="Also write what was found as JUnit XML.")
    sarif = click.option("--sarif", type=file, metavar="FILE", help="Also write what was found as SARIF 2.1.0.")
    return sarif(junit(command))


def source_option(command: Command) -> Command:
    """Add the option, as `no_source`."""
    told = "Quote no line of source in any report (the record keeps it)."
    return click.option("--no-source", is_flag=True, help=told)(command)
