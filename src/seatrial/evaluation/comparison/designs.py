"""The test that a design calls for, and why. A design is how the methods were trained and measured; results do not choose the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seatrial.evaluation.comparison import results
from seatrial.evaluation.comparison.figures import Figure
from seatrial.evaluation.comparison.methods import Cell, Method, Predicted, Scored
from seatrial.evaluation.comparison.results import Result
from seatrial.evaluation.comparison.values import refused
from seatrial.evaluation.predictions import Predictions, matched


@dataclass(frozen=True, slots=True)
class Choice:
    """design: in a few words; why: this test, in one sentence; run: it, for a level that other comparisons leave."""

    design: str
    why: str
    run: Callable[[float], Result]


def choose(
    first: Method, second: Method, figure: Figure | None, *, independent: bool = False, mid: bool = False
) -> Choice:
    """The test of a pair of methods.

    Args:
        figure: what predictions are compared by; None for scores.
        independent: test sets that differ are draws from one population: they may be compared.
        mid: McNemar's mid-p instead of the exact p.

    Raises:
        UsageProblem: nothing can be said of such a pair; with what to do.
    """
    if isinstance(first, Scored) and isinstance(second, Scored):
        return _scored(first, second)
    if isinstance(first, Predicted) and isinstance(second, Predicted):
        assert figure is not None
        return _predicted(first, second, figure, independent, mid)
    hint = "Give predictions of both, or scores of both."
    raise refused(
        f"{first.name} and {second.name} in one form", "predictions of one, scores of the other", "compare-forms", hint
    )


# ---- predictions -----------------------------------------------------------------------------------------------------


def _predicted(first: Predicted, second: Predicted, figure: Figure, independent: bool, mid: bool) -> Choice:
    tables = [*first.trainings, *second.trainings]
    kinds = {each.kind for each in tables}
    if len(kinds) > 1:
        raise refused(
            "predictions of one kind", " and ".join(sorted(kinds)), "compare-forms", "Compare like with like."
        )
    counts = len(first.trainings), len(second.trainings)
    sets = [{each.examples_hash for each in method.trainings} for method in (first, second)]
    for each in tables:
        _check_defined(figure, each)
    if max(map(len, sets)) > 1:
        return _out_of_fold(first, second, figure)
    if sets[0] != sets[1]:
        return _apart(first, second, figure, independent)
    together = matched(tables)
    one, other = together[: counts[0]], together[counts[0] :]
    if counts == (1, 1):
        return _one_each(one[0], other[0], figure, mid)
    if min(counts) < 2:
        few = first if counts[0] < 2 else second
        raise refused(
            "several trainings of both methods, or one of each",
            f"one of {few.name} and {max(counts)} of the other",
            "compare-one-training",
            f"How much {few.name} varies from training to training is not known. Train it with other seeds too, or give one table "
            "of each, which compares these two trained models alone.",
        )
    seeds = [[each.seed for each in part] for part in (one, other)]
    paired = _same_seeds(*seeds)
    if paired:
        one, other = (sorted(part, key=lambda each: each.seed) for part in (one, other))
    why = (
        "Both methods were trained several times and measured on the same examples: another seed and other test examples would "
        f"both change the figures, so both count as noise{' (the same seeds are compared with each other)' if paired else ''}."
    )
    design = f"{counts[0]} and {counts[1]} trainings, the same test examples"
    return Choice(design, why, lambda level: results.over_seeds(one, other, figure, paired, level))


def _check_defined(figure: Figure, of: Predictions) -> None:
    value = figure.value(of)
    if not np.isfinite(value):
        hint = "All examples may be of one class, or all targets the same: choose a figure that is defined for them (--by), or add examples."
        raise refused(
            f"test examples for which {figure.name} is defined",
            f"{value} on {len(of)} of them",
            "compare-undefined",
            hint,
        )


def _one_each(one: Predictions, other: Predictions, figure: Figure, mid: bool) -> Choice:
    design, groups = "one training each, the same test examples", one.groups
    if figure.counted and groups is None:
        why = "Both were measured on the same examples as right or wrong: only those count that one has right and the other wrong."
        return Choice(design, why, lambda level: results.right_or_wrong(one, other, figure, mid, level))
    whole = "whole groups are swapped, for examples of a group are not independent" if groups is not None else ""
    swapped = "if they did not differ, their predictions for an example could as well be swapped"
    why = f"Both were measured on the same examples by {figure.name}: {swapped}{'; ' if whole else ''}{whole}."
    return Choice(design, why, lambda level: results.swapped(one, other, figure, level))


def _apart(first: Predicted, second: Predicted, figure: Figure, independent: bool) -> Choice:
    found = f"{first.name} and {second.name} on other examples, or with other targets"
    if not independent:
        hint = (
            "Let both predict the same examples (matched by id). If the test sets are independent draws from one population, say so "
            "with --independent: that needs far more examples."
        )
        raise refused("the same test examples for both methods", found, "compare-test-sets", hint)
    if len(first.trainings) != 1 or len(second.trainings) != 1 or not figure.is_mean:
        hint = "Give one table of each, and a figure that is a mean over examples (accuracy, log-loss, mae)."
        raise refused("one training of each on test sets that differ", found, "compare-test-sets", hint)
    (one,), (other,) = first.trainings, second.trainings
    if one.groups is not None or other.groups is not None:
        raise refused(
            "examples without groups on test sets that differ", found, "compare-test-sets", "Use one test set."
        )
    why = "The test examples differ, as draws from one population: the two samples are compared as independent ones."
    return Choice(
        "one training each, different test examples", why, lambda level: results.apart(one, other, figure, level)
    )


def _out_of_fold(first: Predicted, second: Predicted, figure: Figure) -> Choice:
    """Tables that are folds of the same data: each training has test examples of its own, the same for both methods."""
    by_examples = [{each.examples_hash: each for each in method.trainings} for method in (first, second)]
    one, other = by_examples
    distinct = len(one) == len(first.trainings) and len(other) == len(second.trainings)
    ids = np.concatenate([each.ids for each in first.trainings])
    if not distinct or set(one) != set(other) or len(np.unique(ids)) != len(ids):
        found = f"tables of {first.name} and {second.name} that are neither of one test set nor folds of the same data"
        hint = "Give each method's predictions for the same test set, or out-of-fold predictions for the same folds."
        raise refused("trainings that were measured alike", found, "compare-test-sets", hint)
    cells: dict[str, Cell] = {key: ("", str(at)) for at, key in enumerate(sorted(one))}
    scored = [
        Scored(
            method.name,
            "fold",
            {cells[key]: figure.value(each) for key, each in tables.items()},
            figure=figure.name,
            higher=figure.higher,
        )
        for method, tables in zip((first, second), by_examples, strict=True)
    ]
    return _folds(*scored)


# ---- scores ----------------------------------------------------------------------------------------------------------


def _scored(first: Scored, second: Scored) -> Choice:
    if first.by != second.by:
        found = f"{first.by}s of {first.name} and {second.by}s of {second.name}"
        raise refused("scores of seeds, or of folds, of both", found, "compare-forms", "Measure both alike.")
    if first.by == "fold":
        return _folds(first, second)
    for each in (first, second):
        if len(each.scores) < 2:
            hint = "One score shows no spread: train with other seeds too, or compare predictions."
            raise refused(
                "at least two seeds of each method", f"{len(each.scores)} of {each.name}", "compare-few", hint
            )
    paired = first.scores.keys() == second.scores.keys()
    why = (
        "Scores of the same seeds are compared seed by seed: what a seed has of its own for both goes out."
        if paired
        else "The seeds of the two methods have nothing in common: their means are compared as those of independent samples."
    )
    design = f"{len(first.scores)} and {len(second.scores)} seeds, scores only"
    return Choice(design, why, lambda level: results.seed_scores(first, second, paired, level))


def _folds(first: Scored, second: Scored) -> Choice:
    if first.scores.keys() != second.scores.keys():
        hint = "Divide the data once, and train each method on the same folds (`seatrial cross-validate --seed`)."
        raise refused(f"the same folds of {first.name} and {second.name}", "other ones", "compare-folds", hint)
    repeats = sorted({repeat for repeat, _ in first.scores})
    folds = {repeat: sorted(fold for each, fold in first.scores if each == repeat) for repeat in repeats}
    sizes = {len(each) for each in folds.values()}
    if len(first.scores) < 2:
        raise refused("at least two folds", "one", "compare-few", "One shows no spread.")
    if len(repeats) == 5 and sizes == {2}:
        why = (
            "The data were divided into halves five times: the combined F test knows how such trainings depend on each other, and "
            "does not hang on which half came first."
        )
        return Choice("5 times 2 folds", why, lambda level: results.five_by_two(first, second, level))
    ratio = first.ratio or second.ratio
    if not ratio and (len(sizes) > 1 or 1 in sizes):
        found = "divisions that are no folds, and nothing of their sizes"
        hint = "Add the columns train and test: examples in each part."
        raise refused("how many examples were trained on and tested on", found, "compare-folds", hint)
    ratio = ratio or 1 / (sizes.pop() - 1)
    times = f"{len(repeats)} times " if len(repeats) > 1 else ""
    design = f"{times}{len(first.scores) // len(repeats)} folds"
    why = "Trainings on folds share most of their examples: the t test is corrected for that, which else sees what is not there."
    return Choice(design, why, lambda level: results.folds(first, second, ratio, level))


def _same_seeds(one: list[int], other: list[int]) -> bool:
    return len(set(one)) == len(one) and sorted(one) == sorted(other)
