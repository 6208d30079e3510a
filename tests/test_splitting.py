"""The split: reproducible, of the share that was asked for, and refused where it cannot be made."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.errors import UsageProblem
from seatrial.splitting import one_hot_classes, split


@given(st.integers(2, 400), st.floats(0.01, 0.6), st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_the_same_seed_gives_the_same_split_of_the_share_asked_for(examples: int, share: float, seed: int) -> None:
    if not 0 < np.ceil(share * examples) < examples:
        return
    test = split(examples, share, seed=seed)
    assert test.dtype == bool and test.shape == (examples,)
    assert abs(test.sum() - share * examples) < 1
    assert np.array_equal(test, split(examples, share, seed=seed))


def test_another_seed_gives_another_split() -> None:
    assert not np.array_equal(split(100, 0.2, seed=0), split(100, 0.2, seed=1))


def test_a_whole_number_is_a_number_of_examples() -> None:
    assert split(100, 7, seed=0).sum() == 7


@given(st.lists(st.integers(0, 4), min_size=30, max_size=300), st.floats(0.2, 0.5), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_each_class_has_its_share_within_one_example(classes: list[int], share: float, seed: int) -> None:
    column = np.array(classes)
    sizes = np.bincount(column)
    if sizes[sizes > 0].min() < 2:
        return
    test = split(len(column), share, seed=seed, stratify=column)
    for value in np.unique(column):
        assert abs(test[column == value].sum() - test.mean() * np.sum(column == value)) <= 1


@given(st.integers(2, 30), st.floats(0.1, 0.6), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_no_group_is_divided(number: int, share: float, seed: int) -> None:
    groups = np.random.default_rng(seed).permutation(np.repeat(np.arange(number), 5)).astype(str)
    test = split(len(groups), share, seed=seed, groups=groups)
    assert test.any() and not test.all()
    assert not set(groups[test]) & set(groups[~test])


def test_groups_and_classes_together() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 10)
    classes = (random.random(60) < 0.3)[groups]
    test = split(600, 0.2, seed=3, groups=groups, stratify=classes)
    assert test.sum() == 120
    assert not set(groups[test]) & set(groups[~test])
    assert abs(classes[test].sum() - 0.2 * classes.sum()) <= 10  # Within one group.
    assert np.array_equal(test, split(600, 0.2, seed=3, groups=groups, stratify=classes))


@given(st.lists(st.integers(0, 20), min_size=2, max_size=60), st.floats(0.05, 0.6))
@settings(max_examples=100, deadline=None)
def test_the_latest_are_the_test_part_and_no_time_is_divided(times: list[int], share: float) -> None:
    column = np.array(times)
    if len(set(times)) < 2 or not 0 < np.ceil(share * len(times)) < len(times):
        return
    test = split(len(column), share, time=column)
    assert column[test].min() > column[~test].max()


@pytest.mark.parametrize(
    "times",
    [
        np.array(["2024-01-03", "2023-12-31", "2024-01-02", "2024-02-01T10:00:00"]),
        np.array(["2024/01/03", "2023/12/31", "2024/01/02", "2024/02/01"]),
        np.array([date(2024, 1, 3), date(2023, 12, 31), date(2024, 1, 2), datetime(2024, 2, 1)], dtype=object),
        np.array(["2024-01-03", "2023-12-31", "2024-01-02", "2024-02-01"], dtype="datetime64[D]"),
        # As text, "9" comes after "10".
        np.array(["10", "8", "9", "100"]),
        # Three o'clock in Tokyo is before one o'clock in London.
        np.array(["2024-01-01T01:00+00:00", "2023-01-01T01:00Z", "2024-01-01T03:00+09:00", "2024-01-02T00:00-08:00"]),
    ],
    ids=["iso", "slashes", "dates", "datetime64", "numbers as text", "zones"],
)
def test_times_in_many_forms(times: np.ndarray) -> None:
    assert split(4, 2, time=times).tolist() == [True, False, False, True]


def test_a_seed_plays_no_part_in_a_split_by_time() -> None:
    times = np.random.default_rng(0).permutation(50)
    assert np.array_equal(split(50, 0.2, seed=1, time=times), times >= 40)


COLUMN = np.repeat([0, 1], 5)


@pytest.mark.parametrize(
    ("slug", "said", "arguments"),
    [
        ("split-share", "found 1.5", {"share": 1.5}),
        ("split-share", "found 0.0", {"share": 0.0}),
        ("split-share", "found -3", {"share": -3}),
        ("split-share", "found nan", {"share": float("nan")}),
        ("split-empty", "10 of 10", {"share": 10}),
        ("split-empty", "10 of 10", {"share": 0.99}),
        ("split-options", "by time alone", {"time": COLUMN, "groups": COLUMN}),
        ("split-options", "shape", {"stratify": np.zeros((10, 2))}),
        ("split-missing-values", "found 2 of 10", {"groups": np.array([np.nan, np.nan, *range(8)])}),
        ("split-missing-values", "found 1 of 10", {"stratify": np.array([None, *"abababcbc"], dtype=object)}),
        ("split-missing-values", "found 3 of 10", {"time": np.array(["", "", "", *"abababc"])}),
        ("split-classes", "found 1 of cat", {"stratify": np.array(["cat"] + ["dog"] * 9)}),
        ("split-classes", "each of 3 classes", {"share": 2, "stratify": np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])}),
        ("split-classes", "10 different values", {"stratify": np.linspace(0, 1, 10)}),
        ("split-groups", "at least 2 groups", {"groups": np.ones(10)}),
        ("split-groups", "at least 5 groups", {"groups": COLUMN, "stratify": np.tile([0, 1], 5)}),
        ("split-time", "'last week' in example 1", {"time": np.array(["2024-01-01", "last week"] + ["2024-01-02"] * 8)}),
        ("split-time", "numbers and dates", {"time": np.array(["2024-01-01", "7"] + ["2024-01-02"] * 8)}),
        ("split-time", "2 different times", {"time": np.ones(10)}),
        ("split-time", "'inf'", {"time": np.array(["inf", *"123456789"])}),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_refused(slug: str, said: str, arguments: dict) -> None:
    with pytest.raises(UsageProblem) as problem:
        split(10, **({"share": 0.2} | arguments))
    assert problem.value.slug == slug
    assert said in problem.value.message
    assert problem.value.hint


def test_a_measurement_is_no_class() -> None:
    with pytest.raises(UsageProblem, match="5000 different values"):
        split(20_000, 0.2, stratify=np.repeat(np.linspace(0, 1, 5000), 4))


def test_many_classes_with_many_examples_are_classes() -> None:
    assert split(40_000, 0.5, stratify=np.repeat(np.arange(2000), 20)).sum() == 20_000


def test_one_hot_rows_are_classes_and_nothing_else_is() -> None:
    classes = np.array([2, 0, 1, 1])
    for kind in (np.float32, np.int64, bool):
        found = one_hot_classes(np.eye(3)[classes].astype(kind))
        assert found is not None and found.tolist() == classes.tolist()
    soft, several, none = np.eye(3)[classes], np.eye(3)[classes], np.eye(3)[classes]
    soft[0], several[0, 0], none[0] = [0.5, 0.5, 0.0], 1, 0
    for other in (soft, several, none, np.ones((4, 1)), classes):
        assert one_hot_classes(other) is None
