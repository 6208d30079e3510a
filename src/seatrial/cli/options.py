"""Options that several commands have, said once; and those of a training, which a command gets as one `Settings`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import click

from seatrial.cli.threads import let_threads_sleep

Command = TypeVar("Command", bound=Callable[..., Any])
Option: TypeAlias = Callable[[Any], Any]

task = click.argument("task", metavar="TASK.py[:NAME]")
quiet = click.option("--quiet", is_flag=True, help="Print nothing; the files are still written.")
accelerator = click.option("--accelerator", default="auto", show_default=True, help="cpu, cuda, mps, auto.")
highest = click.option("--highest", is_flag=True, help="The highest value of it is the best.")
rate = click.option(
    "--rate", default="", help="Learning rate, or found: search for it. With --optimizer it is found if none is given."
)


def out(about: str) -> Option:
    return click.option("--out", type=click.Path(path_type=Path), help=about)


def number(name: str, default: float, about: str) -> Option:
    """An option with a number of the kind that its default is of."""
    return click.option(name, type=type(default), default=default, show_default=True, help=about)


def epochs(default: int, about: str) -> Option:
    return number("--epochs", default, about)


def patience(about: str = "As for train.") -> Option:
    return number("--patience", 5, about)


def choose(about: str) -> Option:
    return click.option("--choose", default="loss", show_default=True, help=about)


def seed(about: str) -> Option:
    return number("--seed", 0, about)


def into_settings(*options: Option) -> Callable[[Command], Command]:
    """Add options that are called as the fields of `Settings` are: the command gets them as one, `settings`."""

    def decorated(command: Command) -> Command:
        @functools.wraps(command)
        def with_settings(**given: Any) -> Any:
            let_threads_sleep()
            from seatrial.practice.fitting.settings import FOUND, Settings
            from seatrial.practice.optimizers.kinds import OWN

            own = {name: given.pop(name) for name in names}
            if "rate" in own:
                own["rate"] = rate_of(own["rate"], FOUND if own["optimizer"] not in ("", OWN) else 0.0)
            return command(settings=Settings(**own), **given)

        for option in reversed(options):
            option(with_settings)
        added: list[click.Parameter] = vars(with_settings)["__click_params__"][-len(options) :]
        names = [str(each.name) for each in added]
        return with_settings  # type: ignore[return-value]  # called by click, by names alone

    return decorated


def rate_of(words: str, otherwise: float | str) -> float | str:
    """The rate that was asked for: a figure, or "found"."""
    if not words:
        return otherwise
    try:
        return float(words)
    except ValueError:
        return words
