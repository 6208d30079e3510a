"""What all makers of members work with: the task, the folder, the settings, and how to finish a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from seatrial.numbers import counted
from seatrial.practice.ensembles.member import NETWORK, Member, device_for
from seatrial.practice.ensembles.store import Store
from seatrial.practice.fitting.checkpoints import STATE, save_weights
from seatrial.practice.fitting.fit import Fit, fit
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.task import Data, Task


@dataclass
class Making:
    """An ensemble being made.

    settings  of each training; its optimizer and rate are the task's by now.
    members   so many trainings of other seeds, or snapshots.
    told      of what is being done, in words.
    left_out  why something is no member, in sentences.
    """

    task: Task
    store: Store
    settings: Settings
    members: int
    progress: bool
    told: Callable[[str], None]
    left_out: list[str] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        """Where networks predict."""
        return device_for(self.settings)

    @property
    def validation(self) -> Data:
        """The data by which all is chosen."""
        assert self.task.validation is not None
        return self.task.validation

    def own_seed(self, number: int) -> int:
        """Seeds after those of the independent trainings: no training is one of them again."""
        return self.settings.seed + self.members + number

    def trained(self, task: Task, name: str, settings: Settings) -> Fit | None:
        """A training in a folder of its own, gone on with where it was interrupted; None where it came to nothing."""
        folder = self.store.training(name)
        self.told(f"training {name}")
        done = fit(task, folder, settings, resume=(folder / STATE).exists(), progress=self.progress)
        if done.ending or not done.history.best:
            self.left_out.append(f"{name}: {done.ending or 'no epoch came to its end.'}")
            return None
        if done.verdict.errors:
            errors = counted(len(done.verdict.errors), "error")
            self.told(f"{name}: {errors} found in its training, see {folder / 'report.html'}")
        return done

    def network(self, name: str, origin: str, model: nn.Module, seed: int = 0) -> Member:
        """Finish a member that is a network of the task."""
        save_weights(model.cpu(), self.store.weights(name))
        said = predict(self.task, model.to(self.device), self.validation, name=name, seed=seed, data_name="validation")
        return self.store.keep(name, NETWORK, origin, said)
