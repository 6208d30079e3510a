"""How much is tried follows from the time there is."""

from __future__ import annotations

import pytest
from torch import nn
from watching import classes, watched

from seatrial.events import Losses, NotLookedAt, Overfitted, Untrained
from seatrial.history import Run
from seatrial.trials import Extent, Material, before_training, extent


@pytest.mark.parametrize(("script", "trials"), [(1.0, 10.0), (100.0, 25.0), (10_000.0, 120.0)])
def test_a_quarter_of_the_scripts_time_within_bounds(script: float, trials: float) -> None:
    assert extent("full", script, lambda text: None).seconds == trials


@pytest.mark.parametrize(("most", "name", "seconds"), [(4.0, "full", 4.0), (300.0, "full", 300.0), (0, "off", 0.0)])
def test_the_projects_budget_stands_in_the_place_of_the_usual_bound(most: float, name: str, seconds: float) -> None:
    given = extent("full", 10_000.0, lambda text: None, most)
    assert (given.name, given.seconds) == (name, seconds)


def tried(seconds: float) -> list[object]:
    known = watched(nn.Linear(8, 4), *classes())
    call = known.step.seen.call
    material = Material({call: known.step}, {}, {0: known.optimizer})
    run = Run.of([Losses(call, (0,), (1.4,))])
    return list(before_training(material, lambda: run, Extent("full", seconds)))


def test_where_one_pass_is_slow_nothing_is_trained_and_that_is_said() -> None:
    found = tried(seconds=1e-6)
    assert not any(isinstance(event, Untrained | Overfitted) for event in found)
    assert "trials that train copies" in [event.what for event in found if isinstance(event, NotLookedAt)]


def test_where_there_is_time_copies_are_trained() -> None:
    kinds = {type(event) for event in tried(seconds=20.0)}
    assert {Untrained, Overfitted} <= kinds
