"""What an ensemble gains over its best member is claimed for independent examples, not for repetitions of the same ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import ttest_rel

from seatrial.evaluation.predictions import Predictions
from seatrial.practice.ensembles import choice
from seatrial.practice.ensembles.choice import choose
from seatrial.practice.ensembles.member import Member

PATIENTS, EACH = 60, 5


def members() -> list[Member]:
    """Predictions of some members, for several equal examples of each patient."""
    draw = np.random.default_rng(0)
    logits = 2 * draw.normal(size=PATIENTS)
    targets = (draw.random(PATIENTS) < expit(logits)).astype(np.int64).repeat(EACH)
    said = [expit(logits + draw.normal(size=PATIENTS)).repeat(EACH) for _ in range(4)]
    tables = [Predictions("binary", targets, each, np.arange(len(targets))) for each in said]
    return [Member(str(at), "network", "", Path(), each) for at, each in enumerate(tables)]


def test_a_gain_is_as_sure_as_there_are_groups():
    groups = np.arange(PATIENTS).repeat(EACH)
    gain = choose(members(), groups).gain
    assert gain is not None
    alone = choice._gain(np.zeros(len(groups)), np.zeros(len(groups)) - 1, None)
    assert alone.low == alone.high == 1
    single, chosen = np.random.default_rng(1).normal(size=(2, PATIENTS))
    each = choice._gain(single, chosen, None)
    low, high = ttest_rel(single, chosen).confidence_interval()
    assert (each.low, each.high) == pytest.approx((low, high), rel=1e-9)
    grouped = choice._gain(single.repeat(EACH), chosen.repeat(EACH), groups)
    assert (grouped.mean, grouped.low, grouped.high) == pytest.approx((each.mean, low, high), rel=1e-9)
