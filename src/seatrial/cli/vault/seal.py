"""`seatrial vault seal DATA --to FILE.vault [--split 0.2] [--stratify | --groups COLUMN | --time COLUMN] ...`."""

from __future__ import annotations

from pathlib import Path

import click


class _Share(click.ParamType[float]):
    """A share of the examples (0.2) or their number (500)."""

    name = "share or number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        try:
            return int(text) if text.isdigit() else float(text)
        except ValueError:
            self.fail(f"{text!r} is neither a share (0.2) nor a number of examples (500).", param, ctx)


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--to", required=True, type=click.Path(path_type=Path), help="File to make, e.g. test.vault.")
@click.option("--split", type=_Share(), default=0.2, show_default=True, help="Share of the examples, or their number.")
@click.option("--target", help="The column, array or key with the answers.")
@click.option("--stratify", is_flag=True, help="Keep the proportion of classes the same on both sides.")
@click.option("--stratify-by", metavar="COLUMN", help="As --stratify, by a column that is not the target.")
@click.option("--groups", metavar="COLUMN", help="Keep examples with the same value on one side.")
@click.option("--time", metavar="COLUMN", help="Seal the latest examples.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed splits the same way.")
@click.option(
    "--duplicates",
    type=click.Choice(["refuse", "move", "keep"]),
    default="refuse",
    show_default=True,
    help="What to do with examples that are, exactly or nearly, on both sides.",
)
@click.option(
    "--ignore",
    multiple=True,
    metavar="COLUMN",
    help="Column that only numbers the examples (an id), left out of the comparison; may be repeated.",
)
@click.option(
    "--training", type=click.Path(path_type=Path), help="Where to write the training part.  [default: beside DATA]"
)
@click.option(
    "--custodian", metavar="CARD", help="The only person who may open it: a card, or the file that holds one."
)
@click.option(
    "--pricing",
    type=click.Choice(["widened", "ladder", "thresholdout"]),
    default="widened",
    show_default=True,
    help="What each look after the first one costs.",
)
@click.option(
    "--looks",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Number of looks for which the Ladder's step is chosen.",
)
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="How often Thresholdout may answer from the test data.",
)
def command(
    data: Path,
    to: Path,
    split: float,
    target: str | None,
    stratify: bool,
    stratify_by: str | None,
    groups: str | None,
    time: str | None,
    seed: int,
    duplicates: str,
    ignore: tuple[str, ...],
    training: Path | None,
    custodian: str | None,
    pricing: str,
    looks: int,
    budget: int,
) -> None:
    """Split DATA and seal the test part.

    DATA is a table (CSV, Parquet), arrays (npz, safetensors) or a folder that has a folder of files for each class. The training part is
    written in the same format. The sealed part is a file in the age format beside its ledger.
    """
    from seatrial.vault.policy import Policy
    from seatrial.vault.vault import Vault

    made = Vault.seal(
        data,
        to,
        split=split,
        stratify=stratify_by or stratify,
        groups=groups,
        time=time,
        target=target,
        seed=seed,
        duplicates=duplicates,
        ignore=ignore,
        training=training,
        custodian=custodian,
        policy=Policy(pricing, looks, budget),
    )
    sizes = made.sealed.examples
    for note in made.notes:
        click.echo(note)
    click.echo(f"{sizes.training:,} examples for training:  {made.training}")
    click.echo(f"{sizes.test:,} sealed:  {to}  (its ledger: {to}.ledger)")
    click.echo(f"Overlap: none among {made.sealed.looked}." if not made.notes else f"Compared: {made.sealed.looked}.")
    click.echo(f"{data} still holds the test examples in the clear: remove it, or give it to nobody who trains.")
