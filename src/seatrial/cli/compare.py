"""`seatrial compare [--by FIGURE] [--vault VAULT] [--out DIR] ... METHOD METHOD ...`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="Folder for compare.json and compare.svg.")
@click.option("--by", default="", help="The figure: accuracy, f1, log-loss, mae, ...; the usual one if left out.")
@click.option("--lowest", is_flag=True, help="The lowest score is the best.")
@click.option("--mid-p", "mid", is_flag=True, help="McNemar's mid-p: less conservative than the exact p.")
@click.option("--independent", is_flag=True, help="State that different test sets are draws from one population.")
@click.option("--vault", type=click.Path(path_type=Path), help="Count the looks in this vault's ledger too.")
@click.option(
    "--counted",
    type=click.Path(path_type=Path),
    help="Where comparisons are counted; seatrial-runs/comparisons.jsonl if left out.",
)
@click.option("--quiet", is_flag=True, help="Print nothing; the files are still written.")
@click.argument("methods", nargs=-1, required=True, metavar="[NAME=]PATH[,PATH...] ...")
def command(
    out: Path | None,
    by: str,
    lowest: bool,
    mid: bool,
    independent: bool,
    vault: Path | None,
    counted: Path | None,
    quiet: bool,
    methods: tuple[str, ...],
) -> None:
    """Compare methods: is one better than another, or is it chance?

    A method is a file of predictions (.npz, .csv); or several, or a folder of them, one for each training with another seed; or a line
    of a CSV file of scores (columns method, seed or fold, score). The test follows from the design. All comparisons that were ever made on the same
    test data are counted.
    """
    from rich.console import Console

    from seatrial.evaluation.comparison import made, reading
    from seatrial.evaluation.comparison.showing import show, write
    from seatrial.evaluation.comparison.study import compare
    from seatrial.launch.folder import folder_for

    folder = out or folder_for("compare")
    count = counted or Path("seatrial-runs") / made.FILE
    found = reading.methods(methods, higher=not lowest)
    study = compare(found, by, independent=independent, mid=mid, counted=count, looks=_looks(vault) if vault else 0)
    write(study, folder)
    if not quiet:
        show(study, Console(highlight=False))
        click.echo(f"\n{folder}/compare.json, compare.svg; comparisons are counted in {count}")


def _looks(place: Path) -> int:
    """As the ledger of a vault has them; the vault stays shut."""
    from seatrial.vault.vault import Vault

    return sum(entry.kind == "opened" for entry in Vault(place).log())
