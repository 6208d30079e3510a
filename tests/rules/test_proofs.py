"""A proof is told where forks show one: the interval is Student's, controls count, and an explosion is not a large effect."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.events import Forked
from seatrial.history import Run
from seatrial.rules.proofs import CAP, doubt, effects, interval, proof

NAME = "loop.missing-zero-grad"
SHOWN = Forked(
    NAME, "cleared", 60, 2.0, (1.9, 1.8, 2.0, 1.9), (0.4, 0.5, 0.3, 0.5), "learning rate x 0.3", (1.9, 1.9, 1.8, 2.0)
)
losses = st.floats(0.0, 5.0)


@given(st.integers(2, 8).flatmap(lambda n: st.tuples(*[st.lists(losses, min_size=n, max_size=n)] * 2)))
def test_the_interval_is_that_of_a_paired_t_test(pair: tuple[list[float], list[float]]) -> None:
    without, mended = pair
    found = [(a - b) / 2.0 for a, b in zip(without, mended, strict=True)]
    effect, low, high = interval(replace(SHOWN, without=tuple(without), mended=tuple(mended)))
    reference = stats.ttest_1samp(found, 0.0).confidence_interval(0.95) if len(set(found)) > 1 else (effect, effect)
    assert effect == pytest.approx(sum(found) / len(found), abs=1e-9)
    assert (low + high) / 2 == pytest.approx(effect, abs=1e-9)
    assert high - low == pytest.approx(reference[1] - reference[0], rel=1e-3, abs=1e-6)


def test_one_seed_tells_no_interval() -> None:
    forked = replace(SHOWN, without=(1.9,), mended=(0.1,), control=(1.9,))
    assert interval(forked)[1:] == (-math.inf, math.inf)
    assert proof(Run.of([forked]), NAME) is None


def test_a_proof_and_its_figures() -> None:
    told = proof(Run.of([SHOWN]), NAME)
    assert told is not None
    assert {key: told[key] for key in ("fix", "steps", "seeds", "control", "loss_before")} == {
        "fix": "cleared",
        "steps": 60,
        "seeds": 4,
        "control": "learning rate x 0.3",
        "loss_before": 2.0,
    }
    assert told["loss_without"] == pytest.approx(1.9)
    assert told["loss_with"] == pytest.approx(0.425)
    assert told["effect"] == pytest.approx((1.9 - 0.425) / 2)
    assert proof(Run.of([SHOWN]), "model.dead-units") is None


def test_the_last_word_on_a_finding_counts() -> None:
    nothing = replace(SHOWN, mended=SHOWN.without)
    assert proof(Run.of([SHOWN, nothing]), NAME) is None
    assert proof(Run.of([nothing, SHOWN]), NAME) is not None


@pytest.mark.parametrize(
    ("mended", "told"),
    [
        ((0.4, 0.5, 0.3, 0.5), ""),
        ((1.9, 1.8, 2.0, 1.9), "no clear effect"),  # no effect
        ((1.88, 1.78, 1.98, 1.88), "too small an effect"),  # always lower, but by little
        ((0.1, 1.9, 2.4, 0.3), "no clear effect"),  # large, but not sure
        ((2.9, 2.8, 2.7, 2.9), "no clear effect"),  # higher
    ],
)
def test_what_counts_as_a_clear_effect(mended: tuple[float, ...], told: str) -> None:
    assert doubt(replace(SHOWN, mended=mended)) == told


def test_a_mend_proves_nothing_where_a_control_does_as_well() -> None:
    helpful = replace(SHOWN, control=(0.5, 0.5, 0.4, 0.6))
    assert "nothing to do with it" in doubt(helpful)
    assert proof(Run.of([helpful]), NAME) is None


def test_losses_that_exploded_count_as_a_few_times_the_start() -> None:
    exploded = replace(SHOWN, without=(math.inf, math.nan, 1e30, 7.0))
    assert effects(exploded, exploded.mended) == pytest.approx(
        [(CAP * 2.0 - 0.4) / 2, (CAP * 2.0 - 0.5) / 2, (CAP * 2.0 - 0.3) / 2, (6.0 - 0.5) / 2]
    )
    told = proof(Run.of([exploded]), NAME)
    assert told is not None
    assert told["loss_without"] == pytest.approx((1e30 + 7.0) / 2)
    assert proof(Run.of([replace(SHOWN, mended=(math.inf,) * 4)]), NAME) is None


def test_a_loss_of_zero_before_training_is_no_division_by_zero() -> None:
    assert effects(replace(SHOWN, start=0.0), SHOWN.mended) == pytest.approx(
        [1 - 0.4, 1 - 0.5, 1 - 0.3, 1 - 0.5], abs=3
    )
