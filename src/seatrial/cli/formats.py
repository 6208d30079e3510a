"""`--sarif FILE --junit FILE`, for every command that judges."""

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
