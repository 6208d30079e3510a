"""What is searched: a function of a trial that returns a task; the learning rate is always among it.

The function is run as Optuna's define-by-run: what it asks the trial for is the space, architecture included. A plain task is
searched by learning rate and weight decay. Where a function leaves the rate as it is, a factor to it is searched besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.optim import Optimizer
from torch.utils.data import Subset

from seatrial.practice.dividing import part_of, set_apart
from seatrial.practice.optimizers.kinds import rate_of
from seatrial.practice.refusal import failed, refused, shown
from seatrial.practice.search.quietly import quietly
from seatrial.practice.task import Task
from seatrial.practice.unchanged import seed, unchanged

RATE, FACTOR, DECAY = "rate", "rate_factor", "weight_decay"
WIDE = 100.0  # times the task's own rate, to both sides: two powers of ten each
DECAYS = (1e-6, 1e-1)
_PROBES = 3
_HINT = "For instance:\n\ndef space(trial):\n    width = trial.suggest_int('width', 16, 256, log=True)\n    return Task(lambda: Net(width), loss, train_data)\n\n"


@dataclass(frozen=True, slots=True)
class Suggested:
    """A task of the space, and the learning rate to train it with (0: its own)."""

    task: Task
    rate: float


@dataclass
class Space:
    """Tasks by trial, ready to be trained: with validation data, without a vault.

    function         what a person wrote; or None, and `task` is searched by rate and decay.
    validation_share set apart of the training data where a task has no validation data.
    seed             of that division: the same one for all trials.
    """

    function: Callable[[Any], Any] | None
    task: Task | None
    validation_share: float = 0.2
    seed: int = 0
    _with_factor: bool | None = None
    _divided: dict[int, tuple[list[int], list[int]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the task."""
        return self.task.name if self.task is not None else getattr(self.function, "__name__", "")

    def __call__(self, trial: Any) -> Suggested:
        """The task for a trial.

        Raises:
            UsageProblem: the function fails, or returns no task.
            optuna.TrialPruned: it refuses this combination.
        """
        with unchanged():
            if self.function is None:
                assert self.task is not None
                return self._plain(self.task, trial)
            task = self._made(trial)
            if self._with_factor is None:
                self._with_factor = not all(self._searches_rate(probe) for probe in range(_PROBES))
            rate = 0.0
            if self._with_factor:
                rate = _rate(task) * trial.suggest_float(FACTOR, 1 / WIDE, WIDE, log=True)
            return Suggested(self.prepared(task), rate)

    def prepared(self, task: Task) -> Task:
        """The task with validation data and without its vault: what follows cannot reach the test data."""
        if task.validation is not None:
            return task.having(vault=None)
        count = len(task.train)  # pyright: ignore[reportArgumentType]
        if count not in self._divided:
            self._divided[count] = set_apart(task, self.validation_share, self.seed)
        kept, apart = self._divided[count]
        given: Any = task.train
        return part_of(task, kept).having(vault=None, validation=Subset(given, apart))

    # ---- inner steps -------------------------------------------------------------------------------------------------

    def _plain(self, task: Task, trial: Any) -> Suggested:
        own = _rate(task)
        rate = trial.suggest_float(RATE, own / WIDE, own * WIDE, log=True)
        if _takes_decay(task):
            task = _decayed(task, trial.suggest_float(DECAY, *DECAYS, log=True))
        return Suggested(self.prepared(task), rate)

    def _made(self, trial: Any) -> Task:
        import optuna

        assert self.function is not None
        try:
            made = self.function(trial)
        except optuna.TrialPruned:
            raise
        except Exception as error:
            raise failed(f"Calling {self.name or 'the space'}(trial)", error, "It is given an Optuna trial.") from error
        if not isinstance(made, Task):
            raise refused(f"a Task from {self.name or 'the space'}(trial)", shown(made), "search-no-task", _HINT)
        return made

    def _searches_rate(self, probe: int) -> bool:
        """Whether some number that the function asks for changes the rate of the optimizer, all others the same."""
        import optuna

        with quietly():
            study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=probe))
        try:
            trial = study.ask()
            own = _rate(self._made(trial))
            for name in _numbers(trial.distributions):
                others = {key: value for key, value in trial.params.items() if key != name}
                for _ in range(3):  # of few choices the same one may be drawn again
                    study.enqueue_trial(others)
                    if not math.isclose(_rate(self._made(study.ask())), own, rel_tol=1e-9):
                        return True
        except optuna.TrialPruned:
            return True  # the other probes tell
        return False


def space_of(given: Any, validation_share: float = 0.2, seed: int = 0) -> Space:
    """The space that a task or a function stands for.

    Raises:
        UsageProblem: it is neither.
    """
    if isinstance(given, Task):
        return Space(None, given, validation_share, seed)
    if isinstance(given, type) or not callable(given):
        raise refused("a Task, or a function of a trial that returns one", shown(given), "search-space", _HINT)
    return Space(given, None, validation_share, seed)


def _rate(task: Task) -> float:
    """The task's own learning rate, the largest of its groups."""
    seed(0)
    return rate_of(task.make().optimizer)


def _takes_decay(task: Task) -> bool:
    if type(task) is not Task or isinstance(task.optimizer, Optimizer):
        return False
    seed(0)
    return all("weight_decay" in group for group in task.make().optimizer.param_groups)


def _decayed(task: Task, decay: float) -> Task:
    """The same task with another weight decay, in the groups that have any, or in all if none has."""

    def optimizer(model: torch.nn.Module) -> Optimizer:
        made, _ = task.optimizer_for(model)
        groups = [group for group in made.param_groups if group["weight_decay"]] or made.param_groups
        for group in groups:
            group["weight_decay"] = decay
        return made

    return task.having(optimizer=optimizer)


def _numbers(distributions: dict[str, Any]) -> Iterator[str]:
    from optuna.distributions import CategoricalDistribution

    for name, each in distributions.items():
        choices = each.choices if isinstance(each, CategoricalDistribution) else ()
        if all(isinstance(choice, (int, float)) and not isinstance(choice, bool) for choice in choices):
            yield name
