"""Candidates: on their own scales, none twice, denser where others were good."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.stats import kstest
from tasks import Net, clusters

from seatrial import Task
from seatrial.practice.search.candidates import at_random, near_the_best
from seatrial.practice.search.space import space_of

TASK = Task(Net, torch.nn.CrossEntropyLoss(), clusters(64), validation=clusters(32, 1))


def space(ask: Any) -> Any:
    made = space_of(lambda trial: (ask(trial), TASK)[1])
    made._with_factor = False  # the rate is not the subject here
    return made


def test_a_log_scale_is_drawn_evenly_in_its_logarithm():
    drawn = at_random(space(lambda trial: trial.suggest_float("rate", 1e-5, 1, log=True)), 200, 0)
    places = [(math.log10(each.params["rate"]) + 5) / 5 for each in drawn]
    assert kstest(places, "uniform").pvalue > 0.01
    assert [each.number for each in drawn] == list(range(200))


def test_the_same_seed_draws_the_same():
    wanted = space(lambda trial: trial.suggest_float("rate", 1e-5, 1, log=True))
    assert at_random(wanted, 5, 3) == at_random(wanted, 5, 3) != at_random(wanted, 5, 4)


def test_a_space_of_six_gives_six_however_many_are_wanted():
    def ask(trial: Any) -> None:
        trial.suggest_categorical("a", ["x", "y", "z"])
        trial.suggest_int("b", 1, 2)

    drawn = at_random(space(ask), 50, 0)
    assert len({each.key for each in drawn}) == len(drawn) == 6
    assert near_the_best(space(ask), 4, 1, drawn, {at: float(at) for at in range(6)}, highest=False) == []


def test_new_ones_are_near_the_best_and_keep_off_what_diverged():
    def ask(trial: Any) -> None:
        trial.suggest_float("x", 0, 1)
        trial.suggest_float("y", 0, 1)

    for highest in (False, True):
        drawn = at_random(space(ask), 40, 1)
        off = {each.number: (each.params["x"] - 0.2) ** 2 + (each.params["y"] - 0.3) ** 2 for each in drawn}
        figures = {number: -value if highest else value for number, value in off.items()}
        figures = {at: math.nan if drawn[at].params["x"] > 0.7 else value for at, value in figures.items()}
        fresh = near_the_best(space(ask), 16, 2, drawn, figures, highest=highest)
        far = np.median([(each.params["x"] - 0.2) ** 2 + (each.params["y"] - 0.3) ** 2 for each in fresh])
        assert far < np.median(list(off.values())) / 3
        assert len({each.key for each in [*drawn, *fresh]}) == 56


def test_a_space_with_branches_and_refusals_is_searched():
    import optuna

    def ask(trial: Any) -> None:
        kind = trial.suggest_categorical("kind", ["conv", "linear"])
        if kind == "conv":
            trial.suggest_int("kernel", 3, 7, step=2)
        elif trial.suggest_float("drop", 0, 1) > 0.5:
            raise optuna.TrialPruned("too much")

    drawn = at_random(space(ask), 20, 0)
    assert all(each.params.get("drop", 0) <= 0.5 for each in drawn)
    fresh = near_the_best(space(ask), 5, 1, drawn, {each.number: float(each.params["kind"] == "conv") for each in drawn}, highest=False)  # fmt: skip
    assert len(fresh) == 5 and sum(each.params["kind"] == "linear" for each in fresh) >= 3
