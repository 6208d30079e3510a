"""Folds: all examples are tested on once, classes have their share, groups are not divided, the same seed divides alike."""

from __future__ import annotations

import numpy as np
import pytest

from seatrial.errors import UsageProblem
from seatrial.practice.cross_validation.folds import folds, held_out

DRAW = np.random.default_rng(0)
CLASSES = DRAW.permutation(np.repeat([0, 1, 2], [60, 30, 10]))
GROUPS = np.arange(100) // 4


@pytest.mark.parametrize("classes", [None, CLASSES])
@pytest.mark.parametrize("groups", [None, GROUPS])
def test_each_example_is_tested_on_once_a_repeat(classes, groups):
    found = folds(100, 5, repeats=2, classes=classes, groups=groups)
    for repeat in (0, 1):
        tested = np.concatenate([each.test for each in found if each.repeat == repeat])
        assert sorted(tested) == list(range(100))
    for each in found:
        assert sorted([*each.rest, *each.test]) == list(range(100))
        if groups is not None:
            assert not set(groups[each.rest]) & set(groups[each.test])
        if classes is not None and groups is None:
            assert np.bincount(classes[each.test]).tolist() == [12, 6, 2]
    again = folds(100, 5, repeats=2, classes=classes, groups=groups)
    assert all(np.array_equal(one.test, other.test) for one, other in zip(found, again, strict=True))
    assert not np.array_equal(found[0].test, found[5].test)


def test_what_is_held_out_keeps_groups_together_and_classes_where_it_can():
    among = np.arange(10, 90)
    learnt, chosen_by = held_out(among, 0.15, 0, None, GROUPS)
    assert not set(GROUPS[learnt]) & set(GROUPS[chosen_by])
    assert sorted([*learnt, *chosen_by]) == among.tolist()
    learnt, chosen_by = held_out(among, 0.15, 0, CLASSES, None)
    assert set(CLASSES[chosen_by]) == {0, 1, 2}
    assert 8 <= len(chosen_by) <= 14
    rare = np.where(np.arange(100) == 50, 9, 0)
    assert len(held_out(among, 0.15, 0, rare, None)[1]) > 0


@pytest.mark.parametrize(
    ("count", "k", "classes", "groups", "found"),
    [
        (100, 1, None, None, "1 folds"),
        (3, 5, None, None, "found 3"),
        (100, 30, None, GROUPS, "25"),
        (100, 20, CLASSES, None, "10 of class 2"),
    ],
)
def test_too_few_of_anything_is_refused(count, k, classes, groups, found):
    with pytest.raises(UsageProblem, match=found):
        folds(count, k, classes=classes, groups=groups)
