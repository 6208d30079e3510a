"""What is searched: the learning rate always, on a log scale; validation data are there, and no vault."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
import torch
from tasks import Net, clusters

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.search.candidates import at_random
from seatrial.practice.search.space import DECAY, FACTOR, RATE, Space, space_of

LOSS = torch.nn.CrossEntropyLoss()
TASK = Task(Net, LOSS, clusters(64), validation=clusters(32, 1))


def sgd(rate: float) -> Any:
    return lambda model: torch.optim.SGD(model.parameters(), lr=rate)


def asked(space: Space, **fixed: Any) -> tuple[Any, Any]:
    """What a trial with these values gives, and the trial."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(fixed)
    trial = study.ask()
    return space(trial), trial


def test_a_plain_task_is_searched_by_rate_and_decay_around_its_own():
    space = space_of(Task(Net, LOSS, clusters(), optimizer=sgd(0.02)))
    suggested, trial = asked(space, rate=0.5, weight_decay=1e-3)
    assert set(trial.params) == {RATE, DECAY}
    distribution = trial.distributions[RATE]
    assert (distribution.low, distribution.high, distribution.log) == pytest.approx((2e-4, 2.0, True))
    assert suggested.rate == 0.5
    (group,) = suggested.task.make().optimizer.param_groups
    assert group["weight_decay"] == 1e-3


def test_the_vault_is_out_and_validation_data_are_set_apart_alike_for_all_trials():
    space = space_of(Task(Net, LOSS, clusters(200), vault="somewhere.vault"))
    first, _ = asked(space)
    second, _ = asked(space)
    assert first.task.vault is None
    kept, apart = first.task.train.indices, first.task.validation.indices
    assert sorted([*kept, *apart]) == list(range(200)) and len(apart) == 40
    assert apart == second.task.validation.indices
    labels = clusters(200).tensors[1].numpy()
    whole, part = np.bincount(labels) / 200, np.bincount(labels[apart]) / 40
    assert np.abs(whole - part).max() < 1 / 40  # each class with its share


def test_own_validation_data_stay():
    held_out = clusters(50, 1)
    suggested, _ = asked(space_of(Task(Net, LOSS, clusters(), validation=held_out, vault="v")))
    assert suggested.task.validation is held_out and suggested.task.vault is None


@pytest.mark.parametrize(
    "rate",
    [
        lambda trial: trial.suggest_float("lr", 1e-4, 1, log=True),
        lambda trial: 10 ** trial.suggest_float("exponent", -4, 0),
        lambda trial: trial.suggest_categorical("lr", [0.1, 0.01, 0.001]),
    ],
)
def test_a_function_that_asks_for_the_rate_is_left_alone(rate: Any):
    space = space_of(lambda trial: Task(Net, LOSS, clusters(), optimizer=sgd(rate(trial))))
    suggested, trial = asked(space)
    assert FACTOR not in trial.params and suggested.rate == 0.0


def test_where_a_function_leaves_the_rate_alone_a_factor_is_searched():
    def space(trial: Any) -> Task:
        kind = trial.suggest_categorical("optimizer", ["sgd", "adam"])  # changes the rate, but does not search it
        trial.suggest_int("width", 8, 64)
        make = sgd(0.1) if kind == "sgd" else lambda model: torch.optim.Adam(model.parameters(), lr=1e-3)
        return Task(Net, LOSS, clusters(), optimizer=make)

    suggested, trial = asked(space_of(space), optimizer="adam", rate_factor=10.0)
    assert set(trial.params) == {"optimizer", "width", FACTOR}
    assert suggested.rate == pytest.approx(1e-2)


def test_what_is_no_space_is_refused():
    with pytest.raises(UsageProblem, match="search-space"):
        space_of(3)
    with pytest.raises(UsageProblem, match="search-no-task"):
        asked(space_of(lambda trial: trial.suggest_float("rate", 0.1, 1)))
    with pytest.raises(UsageProblem, match="task-failed"):
        asked(space_of(lambda trial: 1 / 0))
    task = Task(Net, LOSS, clusters(), optimizer=sgd(0.1))
    space = space_of(lambda trial: task)
    space._with_factor = False
    with pytest.raises(UsageProblem, match="search-empty"):
        at_random(space, 3, 0)


def test_choices_that_cannot_be_written_down_are_refused():
    space = space_of(lambda trial: (trial.suggest_categorical("kind", [torch.nn.ReLU, torch.nn.GELU]), TASK)[1])
    space._with_factor = False
    with pytest.raises(UsageProblem, match="search-choices"):
        at_random(space, 3, 0)


def test_random_numbers_of_the_process_stay():
    before = torch.get_rng_state()
    asked(space_of(lambda trial: Task(Net, LOSS, clusters(), optimizer=sgd(trial.suggest_float("r", 0.1, 1)))))
    assert torch.equal(torch.get_rng_state(), before)


def test_no_group_is_divided_and_the_columns_of_examples_stay_with_them():
    groups = [f"patient {at // 10}" for at in range(200)]
    suggested, _ = asked(space_of(Task(Net, LOSS, clusters(200), groups=groups)))
    train, apart = (set(part.indices) for part in (suggested.task.train, suggested.task.validation))
    assert {groups[at] for at in train}.isdisjoint(groups[at] for at in apart) and len(train | apart) == 200
    assert list(suggested.task.groups) == [groups[at] for at in suggested.task.train.indices]


def test_one_group_cannot_be_divided():
    with pytest.raises(UsageProblem, match=r"at least 2 groups.*Give validation="):
        asked(space_of(Task(Net, LOSS, clusters(200), groups=["a"] * 200)))


def test_what_is_set_apart_is_later_than_what_is_trained_on():
    times = np.random.default_rng(0).permutation(200)
    suggested, _ = asked(space_of(Task(Net, LOSS, clusters(200), times=times)))
    train, apart = (times[list(part.indices)] for part in (suggested.task.train, suggested.task.validation))
    assert train.max() < apart.min() and len(apart) == 40


def test_a_class_of_one_example_does_not_keep_others_from_being_set_apart():
    x, y = torch.randn(50, 2), torch.arange(50) % 2
    y[7] = 2
    suggested, _ = asked(space_of(Task(Net, LOSS, torch.utils.data.TensorDataset(x, y))))
    assert len(suggested.task.validation) == 10
