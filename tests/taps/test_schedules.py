"""Schedulers: what is built, and which steps are the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import lr_scheduler

from seatrial.events import CallSeen, SchedulerBuilt
from seatrial.taps import schedules


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], 0.1)


class Halving(lr_scheduler.LRScheduler):
    def __init__(self, optimizer: torch.optim.Optimizer, every: int) -> None:
        self.every = every
        super().__init__(optimizer)

    def get_lr(self) -> list[Any]:
        return [rate * 0.5 ** (self.last_epoch // self.every) for rate in self.base_lrs]


def test_a_scheduler_is_told_with_its_settings_and_its_line(listen: Callable[..., Any]) -> None:
    heard = listen(schedules.install)
    lr_scheduler.MultiStepLR(optimizer(), milestones=[3, 5, 5], gamma=0.5)
    built = heard.one(SchedulerBuilt)
    assert built.type == "MultiStepLR"
    assert built.settings["milestones"] == "3, 5, 5"
    assert built.settings["gamma"] == 0.5
    assert built.where.function == "test_a_scheduler_is_told_with_its_settings_and_its_line"
    assert heard.all(CallSeen) == []


def test_a_scheduler_of_the_users_own_is_placed_where_it_is_built(listen: Callable[..., Any]) -> None:
    heard = listen(schedules.install)
    rate = optimizer()
    schedule = Halving(rate, every=2)
    rate.step()
    schedule.step()
    built = heard.one(SchedulerBuilt)
    assert (built.type, built.settings["every"]) == ("Halving", 2)
    assert built.where.function == "test_a_scheduler_of_the_users_own_is_placed_where_it_is_built"
    assert heard.calls("schedule") == [("Halving", 1)]


def test_only_the_users_steps_count(listen: Callable[..., Any]) -> None:
    heard = listen(schedules.install)
    rate = optimizer()
    parts = [lr_scheduler.LinearLR(rate), lr_scheduler.CosineAnnealingWarmRestarts(rate, 5)]
    schedule = lr_scheduler.SequentialLR(rate, parts, [2])
    for _ in range(4):
        rate.step()
        schedule.step()
    assert [built.type for built in heard.all(SchedulerBuilt)] == [
        "LinearLR",
        "CosineAnnealingWarmRestarts",
        "SequentialLR",
    ]
    assert heard.all(SchedulerBuilt)[2].settings["schedulers"] == "0, 1"
    assert heard.calls("schedule") == [("SequentialLR", 4)]


def test_every_scheduler_of_torch_computes_the_same(listen: Callable[..., Any]) -> None:
    def rates() -> list[Any]:
        makes: list[Callable[[Any], Any]] = [
            lambda rate: lr_scheduler.LambdaLR(rate, lambda epoch: 0.9**epoch),
            lambda rate: lr_scheduler.OneCycleLR(rate, 0.5, total_steps=20),
            lambda rate: lr_scheduler.CyclicLR(rate, 0.01, 0.1),
            lambda rate: lr_scheduler.ChainedScheduler(
                [lr_scheduler.ExponentialLR(rate, 0.9), lr_scheduler.ConstantLR(rate)]
            ),
            lambda rate: lr_scheduler.CosineAnnealingLR(rate, 10),
            lambda rate: Halving(rate, 3),
        ]
        seen: list[Any] = []
        for make in makes:
            rate = optimizer()
            schedule = make(rate)
            for _ in range(6):
                rate.step()
                schedule.step()
                seen.append(rate.param_groups[0]["lr"])
        plateau = lr_scheduler.ReduceLROnPlateau(rate := optimizer(), patience=1)
        for metric in (1.0, 2.0, 3.0, 4.0):
            plateau.step(metric)
            seen.append(rate.param_groups[0]["lr"])
        return seen

    expected = rates()
    heard = listen(schedules.install)
    assert rates() == expected
    assert ("ReduceLROnPlateau", 4) in heard.calls("schedule")


def test_the_state_of_a_scheduler_holds_nothing_of_ours(listen: Callable[..., Any]) -> None:
    expected = lr_scheduler.StepLR(optimizer(), 3).state_dict()
    listen(schedules.install)
    assert lr_scheduler.StepLR(optimizer(), 3).state_dict() == expected
