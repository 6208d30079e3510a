"""A comparison of remedies as a table, as JSON and as a picture."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from seatrial.files import replace
from seatrial.numbers import decimal, percent
from seatrial.practice.imbalance.comparing import Candidate, Comparison
from seatrial.practice.imbalance.general import Recommendation
from seatrial.practice.imbalance.judging import corrected_by, rarest_scores
from seatrial.practice.imbalance.rarity import told
from seatrial.practice.imbalance.words import starting, supported, unsupported
from seatrial.report import drawing
from seatrial.report.json import strict

SCHEMA = 1
JSON, PICTURE = "imbalance.json", "imbalance.svg"
_BINS = 8  # of the calibration curve, with as many examples each
_MOST_CLASSES = 30  # that the picture's bars can show


def show(comparison: Comparison, advice: Recommendation, console: Console) -> None:
    """Print the figures and what they support."""
    for line in (*told(comparison.rarity), *starting(comparison)):
        console.print(line, markup=False, highlight=False)
    console.print()
    console.print(_table(comparison, advice))
    for title, sentences in (
        (f"Recommended: {advice.name}", advice.why),
        ("What the comparison supports", supported(comparison)),
        ("What it does not say", unsupported(comparison)),
    ):
        console.print(f"\n{title}", style="bold", markup=False)
        for sentence in sentences:
            console.print(f"- {sentence}", markup=False, highlight=False)


def write(comparison: Comparison, advice: Recommendation, folder: Path) -> None:
    """Write imbalance.json and imbalance.svg."""
    text = json.dumps(strict(as_data(comparison, advice)), indent=1, allow_nan=False) + "\n"
    replace(folder / JSON, text.encode())
    drawing.draw(folder / PICTURE, lambda figure: _fill(figure, comparison), (12, 4.2))


def as_data(comparison: Comparison, advice: Recommendation) -> dict[str, Any]:
    """The keys of imbalance.json."""
    known, start = comparison.rarity, comparison.start
    return {
        "schema": SCHEMA,
        "task": comparison.task,
        "metric": comparison.metric.name,
        "seeds": comparison.seeds,
        "epochs": comparison.epochs,
        "kind": known.answers.kind,
        "counts": known.counts.tolist(),
        "validation_counts": known.validation.tolist(),
        "largest_accuracy": known.largest_accuracy,
        "start": None if start is None else {"loss": start.loss.tolist(), "gradient": start.gradient.tolist()},
        "recommended": {"name": advice.name, "rests_on": advice.rests_on, "why": list(advice.why)},
        "candidates": [_candidate(each) for each in comparison.candidates],
        "left_out": comparison.left_out,
        "supported": supported(comparison),
        "unsupported": unsupported(comparison),
    }


# ---- inner steps -------------------------------------------------------------------------------------------------


def _candidate(each: Candidate) -> dict[str, Any]:
    gap = each.against_plain
    moved = [one.crossed for one in each.judged if one.crossed is not None]
    return {
        "name": each.name,
        "words": each.choice.words,
        "figures": list(each.figures),
        "mean": each.mean,
        "recalls": each.recalls.tolist(),
        "accuracy": _mean(each, "accuracy"),
        "average_precision_of_rarest": _mean(each, "precision"),
        "log_loss": _mean(each, "loss"),
        "log_loss_corrected": _mean(each, "corrected"),
        "against_plain": None
        if gap is None
        else {
            "mean": gap.mean,
            "low": gap.seeds.low,
            "high": gap.seeds.high,
            "level": gap.seeds.level,
            "p_over_seeds_and_examples": None if gap.all is None else gap.all.p,
            "pairs": gap.pairs,
            "shown": gap.shown,
        },
        "optimism": each.optimism,
        "weights": [one.threshold.weights.tolist() for one in moved],
    }


def _mean(each: Candidate, name: str) -> float:
    return float(np.mean([getattr(one, name) for one in each.judged]))


def _table(comparison: Comparison, advice: Recommendation) -> Table:
    """The best mean first; AP is the average precision of the rarest class, `corrected` the log loss after correction for shares; the
    last row always answers the largest class."""
    rarest = comparison.rarity.rarest
    table = Table(box=None, pad_edge=False)
    table.add_column("remedy", no_wrap=True)
    figure = comparison.metric.name.replace("-", "\n")
    for head in (figure, "accuracy", f"recall {rarest}", f"AP {rarest}", "log loss", "corrected"):
        table.add_column(head, justify="right", overflow="fold")
    for each in sorted(comparison.candidates, key=lambda each: -each.mean):
        figures = (each.recalls[rarest], _mean(each, "precision"))
        recall, precision = (f"{value:.3f}" if math.isfinite(value) else "-" for value in figures)
        losses = (_mean(each, "loss"), _mean(each, "corrected"))
        shown = (decimal(value) if math.isfinite(value) else "-" for value in losses)
        cells = (f"{each.mean:.3f}", percent(_mean(each, "accuracy")), recall, precision, *shown)
        table.add_row(each.name, *cells, style="bold" if each.name == advice.name else "")
    table.add_row("(largest class)", "-", percent(comparison.rarity.largest_accuracy), *["-"] * 4, style="dim")
    return table


def _fill(figure: Any, comparison: Comparison) -> None:
    """Recall of each class; precision over recall, a line a seed, and calibration of the rarest class."""
    whole = comparison.rarity.answers.kind != "segmentation"
    axes = figure.subplots(1, 3 if whole else 1, squeeze=False)[0]
    _recalls(axes[0], comparison)
    if whole:
        _curves(axes[1], axes[2], comparison)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=8)


def _coloured(comparison: Comparison) -> list[tuple[Candidate, str, str]]:
    """Each with its colour; those that share one have another line."""
    colours = drawing.COLOURS
    return [
        (each, colours[at % len(colours)], "-" if at < len(colours) else "--")
        for at, each in enumerate(comparison.candidates)
    ]


def _recalls(axes: Any, comparison: Comparison) -> None:
    order = np.argsort(-comparison.rarity.counts, kind="stable")[-_MOST_CLASSES:]
    for each, colour, line in _coloured(comparison):
        axes.plot(
            range(len(order)), each.recalls[order], line, marker="o", color=colour, label=each.name, linewidth=1.2
        )
    axes.set_xticks(range(len(order)), [f"{at}\n({comparison.rarity.counts[at]})" for at in order], fontsize=8)
    drawing.plain(axes, "Recall by class", "class (training examples), the largest first", "recall")
    axes.margins(x=0.05)


def _curves(precision: Any, calibration: Any, comparison: Comparison) -> None:
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import precision_recall_curve

    known = comparison.rarity
    for each, colour, line in _coloured(comparison):
        if each.choice.after:
            continue  # it has the scores of its training
        odds = each.choice.remedy.odds(known)
        tables = [one if odds is None else corrected_by(one, odds) for one in each.predictions]
        pairs = [rarest_scores(one, known) for one in tables]
        for true, scores in pairs:  # each by itself: only probabilities may be put together
            at, recall, _ = precision_recall_curve(true, scores)
            precision.step(recall, at, line, where="post", color=colour, linewidth=1, alpha=0.6)
        all_true, all_scores = (np.concatenate(part) for part in zip(*pairs, strict=True))
        met, said = calibration_curve(all_true, all_scores, n_bins=_BINS, strategy="quantile")
        calibration.plot(said, met, line, marker=".", color=colour, linewidth=1.2)
    base = float(known.validation[known.validation > 0].min() / known.validation.sum())
    precision.axhline(base, color=drawing.DIM, linewidth=0.8, linestyle=":")
    precision.set_ylim(0, 1.02)
    drawing.plain(precision, "The rarest class: precision over recall", "recall", "precision")
    calibration.plot([0, 1], [0, 1], ":", color=drawing.DIM, linewidth=0.8)
    _stretch(calibration, base)
    drawing.plain(calibration, "Its probability, corrected for shares", "probability said", "share met")


def _stretch(axes: Any, base: float) -> None:
    """Axes from 0 to 1 on which shares about that of a rare class can be told apart."""
    from matplotlib.ticker import NullLocator

    ticks = [0.0, base, *(each for each in (0.1, 0.3, 1.0) if each > 2 * base)]
    axes.set_xscale("symlog", linthresh=base)
    axes.set_yscale("symlog", linthresh=base)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [decimal(each, 2) for each in ticks])
        axis.set_minor_locator(NullLocator())
