"""A reproducible split into a training part and a test part."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.numbers import decimal

Mask = NDArray[np.bool_]
Column = NDArray[Any]
# More distinct values than this are no classes, unless each of them has many examples.
_MOST_CLASSES = 1000
_FEWEST_A_CLASS = 20


def split(
    examples: int,
    share: float,
    *,
    seed: int = 0,
    stratify: Column | None = None,
    groups: Column | None = None,
    time: Column | None = None,
) -> Mask:
    """Choose the test part; the same arguments choose the same one.

    Args:
        examples: how many there are.
        share: of the test part, between 0 and 1; a whole number from 1 on is a number of examples.
        seed: of the random choice; not used with `time`.
        stratify: (examples,) classes: each has the same share in both parts, within one example (`StratifiedShuffleSplit`).
        groups: (examples,) groups: none is divided (`GroupShuffleSplit`; the share is then one of the groups). With `stratify` too,
            `StratifiedGroupKFold`: one of round(1 / share) folds is the test part.
        time: (examples,) numbers, dates or strings that are ISO dates: the latest are the test part. Examples of one time are not
            divided: the test part begins after the time that the cut would divide, or with it where nothing comes after.

    Returns:
        (examples,) True for the test part.

    Raises:
        UsageProblem: [split-share], [split-empty], [split-options], [split-missing-values], [split-classes], [split-groups],
            [split-time].
    """
    count = _test_count(examples, share)
    if time is not None and (stratify is not None or groups is not None):
        raise UsageProblem(
            "Expected a split by time alone, found --time together with --stratify or --groups.",
            "split-options",
            "Leave one of them out: what is latest is of whatever class or group it is.",
        )
    for name, column in (("--stratify", stratify), ("--groups", groups), ("--time", time)):
        if column is not None:
            _refuse_missing(name, column, examples)
    if time is not None:
        return _latest(time, count)
    if stratify is not None:
        _refuse_classes(stratify, count)
    if groups is not None:
        return _whole_groups(examples, count, seed, _codes(groups), None if stratify is None else _codes(stratify))
    return _drawn(examples, count, seed, None if stratify is None else _codes(stratify))


def one_hot_classes(values: Column) -> NDArray[np.int64] | None:
    """(n,) class indexes of one-hot rows (n, classes); None where the rows are something else."""
    if values.ndim != 2 or values.shape[1] < 2 or values.dtype.kind not in "biuf":
        return None
    ones = values == 1
    if not (ones.sum(axis=1) == 1).all() or (values[~ones] != 0).any():
        return None
    return ones.argmax(axis=1)


def _test_count(examples: int, share: float) -> int:
    """How many examples the test part is to have; a share is rounded up, as scikit-learn does it."""
    whole = isinstance(share, (int, np.integer))
    if not (share >= 1 if whole else 0 < share < 1):
        raise UsageProblem(
            f"Expected a share of the test part between 0 and 1 or a number of examples, found {share}.",
            "split-share",
            "Use --split 0.2 for a fifth of the examples, or --split 1000 for a thousand.",
        )
    count = int(share) if whole else int(np.ceil(share * examples - 1e-9))
    if not 0 < count < examples:
        raise UsageProblem(
            f"Expected examples in both parts, found {count} of {examples} for the test part.",
            "split-empty",
            "Choose a smaller --split."
            if examples > 1
            else "There is nothing to be split: at least 2 examples are needed.",
        )
    return count


def _drawn(examples: int, count: int, seed: int, classes: Column | None) -> Mask:
    from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit

    splitter = ShuffleSplit if classes is None else StratifiedShuffleSplit
    chosen = splitter(n_splits=1, test_size=count, random_state=seed)
    return _mask(next(chosen.split(np.zeros(examples), classes))[1], examples)


def _whole_groups(examples: int, count: int, seed: int, groups: Column, classes: Column | None) -> Mask:
    from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

    number = int(groups.max()) + 1
    if number < 2:
        raise UsageProblem(
            "Expected at least 2 groups, found 1: it would have to be divided.",
            "split-groups",
            "Name another column with --groups, or leave it out.",
        )
    if classes is None:
        # At least one group in each part, whatever the share.
        wanted = min(max(1, round(count / examples * number)), number - 1)
        chosen = GroupShuffleSplit(n_splits=1, test_size=wanted, random_state=seed)
        return _mask(next(chosen.split(np.zeros(examples), groups=groups))[1], examples)
    folds = max(2, round(examples / count))
    if number < folds:
        raise UsageProblem(
            f"Expected at least {folds} groups for a test part of {count} of {examples} examples, found {number}.",
            "split-groups",
            f"Choose a --split of {decimal(1 / number, 2)} or more, or leave --stratify or --groups out.",
        )
    if np.bincount(classes).max() < folds:
        raise UsageProblem(
            f"Expected a class with at least {folds} examples, found {np.bincount(classes).max()} in the largest.",
            "split-classes",
            "Choose a larger --split, or leave --stratify out.",
        )
    return _one_fold(StratifiedGroupKFold(folds, shuffle=True, random_state=seed), classes, groups, count)


def _one_fold(folds: Any, classes: Column, groups: Column, count: int) -> Mask:
    """The fold whose size is nearest to what is wanted: folds of whole groups differ in size, and may even be empty."""
    import warnings

    with warnings.catch_warnings():
        # A class in fewer groups than folds is missing in some: that is known of whole groups.
        warnings.simplefilter("ignore", UserWarning)
        parts = [
            part for _, part in folds.split(np.zeros(len(classes)), classes, groups) if 0 < len(part) < len(classes)
        ]
    return _mask(min(parts, key=lambda part: abs(len(part) - count)), len(classes))


def _latest(time: Column, count: int) -> Mask:
    found = moments(time)
    if found.min() == found.max():
        raise UsageProblem(
            f"Expected at least 2 different times, found {time[0]} in all {len(time)} examples.",
            "split-time",
            "Name another column with --time, or leave it out.",
        )
    cut = np.sort(found)[-count]
    after = found > cut
    whole = np.count_nonzero(found >= cut) == count
    if whole or not after.any():
        after = found >= cut
    # Where the earliest time holds so many that it would be in the test part too, what comes after it is the test part.
    return after if not after.all() else found > found.min()


def moments(time: Column) -> NDArray[Any]:
    """The times as something that can be ordered: numbers as they are, dates as seconds.

    Raises:
        UsageProblem: they are neither, or both.
    """
    if time.dtype.kind in "iufbM":
        return time
    found: list[float] = []
    values = time.tolist()
    for number, value in enumerate(values):
        moment = _moment(value)
        if moment is None:
            raise UsageProblem(
                f"Expected times that can be ordered, found {value!r} in example {number}.",
                "split-time",
                "Write them as numbers or as ISO dates (2024-02-29, 2024-02-29T13:45:00+01:00).",
            )
        found.append(moment)
    kinds = {
        (isinstance(value, str) and _number(value) is None) or isinstance(value, datetime.date) for value in values
    }
    if len(kinds) > 1:
        raise UsageProblem(
            "Expected times of one kind, found numbers and dates.",
            "split-time",
            "Write all of them as numbers or all of them as ISO dates.",
        )
    return np.array(found)


def _moment(value: Any) -> float | None:
    """Seconds of a date, a number as it is; None where it is neither. A date without a zone is taken as one of UTC."""
    if isinstance(value, (int, float)):
        return float(value) if np.isfinite(value) else None
    if isinstance(value, str):
        if (number := _number(value)) is not None:
            return number if np.isfinite(number) else None
        try:
            value = datetime.datetime.fromisoformat(value.strip().replace("/", "-"))
        except ValueError:
            return None
    if isinstance(value, datetime.datetime):
        zoned = value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)
        return zoned.timestamp()
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC).timestamp()
    return None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _refuse_missing(name: str, column: Column, examples: int) -> None:
    if column.shape != (examples,):
        raise UsageProblem(
            f"Expected one value of {name} for each of {examples} examples, found an array of shape {column.shape}.",
            "split-options",
            "Give a column with one value an example.",
        )
    missing = int(np.count_nonzero(_missing(column)))
    if missing:
        raise UsageProblem(
            f"Expected a value of {name} for every example, found {missing} of {examples} missing.",
            "split-missing-values",
            "Fill them in, or take those examples out, before the data is sealed.",
        )


def _missing(column: Column) -> Mask:
    if column.dtype.kind in "fc":
        return np.isnan(column)
    if column.dtype.kind in "mM":
        return np.isnat(column)
    if column.dtype.kind in "OUS":
        return np.array([value is None or value != value or value in ("", b"") for value in column.tolist()], bool)
    return np.zeros(len(column), bool)


def _refuse_classes(classes: Column, count: int) -> None:
    values, sizes = _counted(classes)
    if len(values) > max(_MOST_CLASSES, len(classes) // _FEWEST_A_CLASS) or np.mean(sizes < 2) > 0.5:
        raise UsageProblem(
            f"Expected classes to stratify by, found {len(values)} different values in {len(classes)} examples.",
            "split-classes",
            "Name a column of classes, one of ranges of this value, or leave --stratify out.",
        )
    if sizes.min() < 2:
        alone = [str(value) for value, size in zip(values, sizes, strict=True) if size < 2]
        shown = ", ".join(alone[:5]) + (", ..." if len(alone) > 5 else "")
        raise UsageProblem(
            f"Expected at least 2 examples of every class, found 1 of {shown}.",
            "split-classes",
            "Add examples, merge the class into another, or leave --stratify out.",
        )
    if min(count, len(classes) - count) < len(values):
        raise UsageProblem(
            f"Expected an example of each of {len(values)} classes in both parts, "
            f"found {count} examples in the test part and {len(classes) - count} in the training part.",
            "split-classes",
            "Choose another --split, or leave --stratify out.",
        )


def _counted(column: Column) -> tuple[list[Any], NDArray[np.int64]]:
    """The different values in the order of their first appearance, and how often each appears."""
    codes = _codes(column)
    _, first = np.unique(codes, return_index=True)
    return [column[place] for place in first], np.bincount(codes)


def _codes(column: Column) -> NDArray[np.int64]:
    """(n,) numbers from 0 in the order of first appearance: values of mixed types, which cannot be ordered, are told apart too."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in column.tolist()], np.int64)


def _mask(test: NDArray[np.int64], examples: int) -> Mask:
    mask = np.zeros(examples, bool)
    mask[test] = True
    return mask
