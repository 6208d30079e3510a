"""`evaluate`: from predictions to all that can be said of them. Arrays in, figures out; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.calibration.calibrating import calibration
from seatrial.evaluation.evaluation import Curve, Evaluation, OfClass
from seatrial.evaluation.intervals.bootstrap import RESAMPLES
from seatrial.evaluation.metrics import classes, labels, pixels, probabilities, ranking, values
from seatrial.evaluation.metrics.figure import Figure
from seatrial.evaluation.metrics.sums import Sums, beside, figures
from seatrial.evaluation.predictions import Kind, Predictions, matched
from seatrial.evaluation.rating.rated import rated
from seatrial.evaluation.slices.slicing import slices
from seatrial.evaluation.thresholds.decisions import confusion_of
from seatrial.numbers import decimal

READABLE = 30  # classes of a confusion matrix that can be read
MOST_CURVES, POINTS = 12, 200
TOP = (3, 5)  # where there are twice as many classes
# Metrics overall, and of each class, label or output: of the same sums.
_PARTS: dict[Kind, tuple[Callable[[Predictions], Sums], Callable[[Predictions], Sums]]] = {
    "binary": (classes.overall, classes.by_class),
    "multiclass": (classes.overall, classes.by_class),
    "multilabel": (labels.overall, labels.by_label),
    "regression": (values.overall, values.by_output),
    "segmentation": (pixels.overall, pixels.by_class),
}


def evaluate(
    predictions: Predictions | Sequence[Predictions],
    *,
    validation: Predictions | None = None,
    columns: Mapping[str, Any] | None = None,
    raters: NDArray[Any] | None = None,
    remarks: Sequence[str] = (),
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Evaluate predictions: figures with intervals, classes, calibration, slices.

    Args:
        predictions: of one model; or of several trainings of it on the same examples: figures are then means over
            trainings with their spread, and intervals are those of the mean.
        validation: predictions of the same model (the first training) for other data, to fit the temperature on. Without it each fifth of
            the examples is rescaled by what the others say.
        columns: (n,) what is known of each example, by name: numbers or words, in the order of the (first) predictions, in which slices
            that do worse are looked for. "confidence" among the names, with None, stands for the model's own.
        raters: (n, raters) the class that each rater gave each example, -1 where none.
        remarks: what must be known of the data to judge the figures, told with them.
        level: of the intervals, each by itself.
        resamples: of each bootstrap interval.
        seed: of the resampling; global random numbers are not touched.

    Raises:
        UsageProblem: predictions are of different examples, or something does not fit them.
    """
    trainings = [predictions] if isinstance(predictions, Predictions) else list(predictions)
    if not trainings or not 0 < level < 1:
        found = f"a level of {decimal(level)}" if trainings else "no predictions"
        raise UsageProblem(f"Expected predictions and a level between 0 and 1, found {found}.", "evaluate")
    trainings = [trainings[0], *(_in_order_of(trainings[0], each) for each in trainings[1:])]
    first = trainings[0]
    if validation is not None and validation.kind != first.kind:
        raise UsageProblem(
            f"Expected validation predictions that are {first.kind}, found {validation.kind}.", "evaluate-validation"
        )
    settings = (level, resamples, seed)
    overall, each = _figures(trainings, *settings)
    averaged = _figures([_averaged(trainings)], *settings)[0] if len(trainings) > 1 else []
    readable = first.kind in ("binary", "multiclass") and len(first.classes) <= READABLE
    return Evaluation(
        kind=first.kind,
        model=first.model,
        data=first.data,
        seeds=tuple(each.seed for each in trainings),
        examples=len(first),
        groups=None if first.groups is None else len(np.unique(first.groups)),
        level=level,
        figures=tuple(overall),
        averaged=tuple(averaged),
        classes=tuple(each),
        names=first.classes,
        confusion=tuple(map(tuple, confusion_of(first).tolist())) if readable else None,
        curves=_curves(first),
        calibration=calibration(first, validation, seed, cautious=True) if first.graded else None,
        slices=slices(trainings, columns or {}, level, seed),
        remarks=tuple(remarks),
        rated=None if raters is None else rated(first, raters, *settings),
    )


# ---- inner steps -------------------------------------------------------------------------------------------------


def _in_order_of(first: Predictions, other: Predictions) -> Predictions:
    return matched([first, other])[1]


def _averaged(trainings: Sequence[Predictions]) -> Predictions:
    return trainings[0].with_scores(np.mean([each.scores for each in trainings], axis=0))


def _figures(
    trainings: Sequence[Predictions], level: float, resamples: int, seed: int
) -> tuple[list[Figure], list[OfClass]]:
    """Overall, and of each class."""
    first = trainings[0]

    def of(made: Callable[[Predictions], Sums]) -> list[Figure]:
        return figures([made(each) for each in trainings], first.groups, level, resamples, seed)

    overall, each = _PARTS[first.kind]
    alone = first.kind == "regression" and first.scores.ndim == 1
    both = of(overall if alone else lambda training: beside(overall(training), each(training)))
    count = len(overall(first).metrics)
    found, parts = both[:count], both[count:]
    if all(training.graded for training in trainings):
        among = [k for k in TOP if first.kind == "multiclass" and len(first.classes) >= 2 * k]
        found += of(partial(classes.top, among=among)) if among else []
        general, by_column = ranking.ranked(trainings, level, resamples, seed)
        found += [*general, *of(probabilities.proper)]
        parts = _beside(parts, by_column, len(first.classes))
    return found, _parted(first, parts)


def _beside(parts: list[Figure], others: list[Figure], count: int) -> list[Figure]:
    """Figures of each class, followed by others of each class."""
    one, two = len(parts) // count, len(others) // count
    return [
        figure
        for at in range(count)
        for figure in (*parts[at * one : (at + 1) * one], *others[at * two : (at + 1) * two])
    ]


def _parted(of: Predictions, parts: list[Figure]) -> list[OfClass]:
    if not parts:
        return []
    count = len(of.classes)
    each = len(parts) // count
    if of.kind in ("binary", "multiclass"):
        sizes = np.bincount(of.targets.astype(np.int64), minlength=count)
    else:
        sizes = np.full(count, len(of)) if of.kind == "regression" else of.targets.sum(axis=0)
    return [
        OfClass(name, int(sizes[at]), tuple(parts[at * each : (at + 1) * each])) for at, name in enumerate(of.classes)
    ]


def _curves(of: Predictions) -> tuple[Curve, ...]:
    """Precision over recall of the classes, the rarest first; of the rarest ones only where there are many."""
    from sklearn.metrics import precision_recall_curve

    if not of.graded:
        return ()
    positive, scores = ranking.columns_of(of)
    names = of.classes if of.kind != "binary" else of.classes[1:]
    count = positive.sum(axis=0)
    rarest = [at for at in np.argsort(count, kind="stable") if count[at]][:MOST_CURVES]
    found: list[Curve] = []
    for at in rarest:
        precision, recall, _ = precision_recall_curve(positive[:, at], scores[:, at], drop_intermediate=True)
        kept = np.unique(np.linspace(0, len(recall) - 1, POINTS).round().astype(int))
        found.append(Curve(names[at], tuple(recall[kept].tolist()), tuple(precision[kept].tolist())))
    return tuple(found)
