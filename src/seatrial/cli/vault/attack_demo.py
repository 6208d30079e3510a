"""`seatrial vault attack-demo [--examples N] [--looks K] [--repetitions R] [--seed S] [--figure FILE.svg]`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.errors import UsageProblem

if TYPE_CHECKING:
    from rich.table import Table

    from seatrial.vault.attack import Attack


@click.command("attack-demo")
@click.option("--examples", type=click.IntRange(2), default=1000, show_default=True, help="Sealed labels, all random.")
@click.option("--looks", type=click.IntRange(1), default=700, show_default=True, help="Random answers that are scored.")
@click.option(
    "--repetitions",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="How often the whole is repeated, for the ranges.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the random numbers.")
@click.option("--figure", type=click.Path(dir_okay=False, path_type=Path), help="An SVG file to draw the curves into.")
def command(examples: int, looks: int, repetitions: int, seed: int, figure: Path | None) -> None:
    """Show on pure noise what looking at a test set costs.

    Random answers to random questions are scored, and the majority vote over those that the test set praised is taken.
    Nothing was learned, so the truth is 0.5; on exact scores the vote climbs far above it.
    """
    from rich.console import Console

    from seatrial.vault.attack import draw, expected, simulate

    found = simulate(examples, looks, repetitions, seed)
    console = Console(highlight=False)
    console.print(_table(found))
    console.print(
        f"Nothing was learned: on fresh labels every vote is right half of the time. On exact scores the vote over {looks:,} "
        f"random answers still climbs to {expected(examples, looks):.2f} (expected), on these {examples:,} labels alone.",
        soft_wrap=True,
    )
    if figure is not None:
        try:
            draw(found, figure)
        except OSError as error:
            found_instead = f"{figure} ({error.strerror})"
            raise UsageProblem(
                f"Expected a figure's file that can be written, found {found_instead}.", "no-figure"
            ) from error
        console.print(f"Curves: {figure}", soft_wrap=True)


def _table(attack: Attack) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, title=f"Accuracy of the vote after {attack.looks[-1]:,} looks", title_justify="left")
    table.add_column("answers through")
    for column in ("sealed labels", "range (90 %)", "fresh labels"):
        table.add_column(column, justify="right")
    for way, curve in attack.curves.items():
        low, high = curve.low[-1], curve.high[-1]
        table.add_row(way, f"{curve.mean[-1]:.3f}", f"{low:.3f} to {high:.3f}", f"{attack.fresh[way]:.3f}")
    return table
