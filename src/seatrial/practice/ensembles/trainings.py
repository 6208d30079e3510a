"""Members from trainings: independent ones with other seeds, and the snapshots of one with a cyclic rate."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from seatrial.practice.ensembles.making import Making
from seatrial.practice.ensembles.member import Member, network
from seatrial.practice.fitting.checkpoints import LAST, epoch_file


def seeds(making: Making) -> list[Member]:
    """One training for each seed; another initialisation (where the task makes new models), and another order of the examples."""
    found: list[Member] = []
    for at in range(making.members):
        seed = making.settings.seed + at
        name = f"seed-{seed}"
        if not making.store.has(name):
            done = making.trained(making.task, name, replace(making.settings, seed=seed))
            if done is None:
                continue
            origin = f"its own training, seed {seed}, epoch {done.best.number}"
            making.network(name, origin, network(making.task, done.weights, making.device), seed)
        found.append(making.store.member(name))
    return found


def snapshots(making: Making) -> list[Member]:
    """One training in as many cycles as members are wanted: each time the rate falls along half a cosine from its full value to
    zero, the network is kept, and the rate begins anew (Huang et al., "Snapshot Ensembles: Train 1, Get M for Free", 2017, eq. 2).
    It takes as many epochs as one training of the settings, rounded up to whole cycles."""
    cycles = making.members
    each = -(-making.settings.epochs // cycles)
    names = [f"snapshot-{at + 1}" for at in range(cycles)]
    if not all(making.store.has(name) for name in names):
        cyclic = making.task.having(schedule=functools.partial(_restarting, cycles))
        settings = replace(
            making.settings, epochs=each * cycles, patience=0, kept=cycles - 1, schedule="", seed=making.own_seed(0)
        )
        if making.trained(cyclic, "snapshots", settings) is None:
            return []
        folder = making.store.training("snapshots")
        for at, name in enumerate(names):
            file = folder / (LAST if at == cycles - 1 else epoch_file(each * (at + 1)))
            origin = f"one training with a cyclic rate, after cycle {at + 1} of {cycles} ({each} epochs each)"
            making.network(name, origin, network(making.task, file, making.device), settings.seed)
    return [making.store.member(name) for name in names]


def _restarting(cycles: int, optimizer: Optimizer, steps: int) -> Any:
    return CosineAnnealingWarmRestarts(optimizer, T_0=max(1, steps // cycles))
