"""`seatrial vault open VAULT --model FILE --predictor FILE.py[:NAME] --metric NAME ... --reason TEXT`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("vault", type=click.Path(path_type=Path))
@click.option("--model", required=True, type=click.Path(path_type=Path), help="The frozen model: a file of weights.")
@click.option(
    "--predictor",
    required=True,
    metavar="FILE.py[:NAME]",
    help="A function that takes the path of the weights and returns predict(inputs).  [default name: predictor]",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    default=["accuracy"],
    show_default=True,
    help="Metric to measure; may be repeated.",
)
@click.option("--baseline", "baselines", multiple=True, metavar="[METRIC=]VALUE", help="Score to beat.")
@click.option("--reason", required=True, help="Why the vault is opened now.")
@click.option("--training-score", type=float, help="The score on the training data (for Thresholdout).")
def command(
    vault: Path,
    model: Path,
    predictor: str,
    metrics: tuple[str, ...],
    baselines: tuple[str, ...],
    reason: str,
    training_score: float | None,
) -> None:
    """Score a frozen model on the sealed data.

    The plan - metrics, baseline, the hash of the weights, the reason - is written to the ledger before anything is decrypted, and the
    look counts from then on. Test examples stay in memory. predict gets several examples without their target: a dict of columns (of a
    table) or of arrays, a list of file contents (of a folder) or of examples. It returns one prediction for each.
    """
    from seatrial.vault.plan import Plan, baselines_of
    from seatrial.vault.predictor import predictor_of
    from seatrial.vault.vault import Vault

    plan = Plan(metrics, baselines_of(baselines, metrics))
    opened_vault = Vault(vault)
    predict = predictor_of(predictor, model)
    opening = opened_vault.open(model, plan, reason, training=training_score)
    result = opening.score(predict)
    click.echo(f"Look {result.look} at {vault}.")
    click.echo(str(result))
