"""The board on which a search is written down: its stages, who works on which training, what came of it.

All of it is in one Optuna storage, a study for the plan and one for each stage. There is no process that leads: any worker writes
the next stage once the last one is over, and takes any training that nobody works on. Where two do so at once, what was written
first holds; a storage numbers trials in one order that all see. So no process is needed for another one to go on.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from seatrial.practice.refusal import refused
from seatrial.practice.search.candidates import Candidate
from seatrial.practice.search.owner import SILENCE, Looker, this_process
from seatrial.practice.search.quietly import quietly
from seatrial.practice.search.work import END, Job, Record, Result, Stage

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

# Why a trial ended without a figure, and after how many of these a training is given up.
DIVERGED, MEMORY, FAILED, DIED = "diverged", "out of memory", "failed", "died"
ATTEMPTS = {DIVERGED: 1, MEMORY: 2, FAILED: 2, DIED: 3}
# These cost nobody an attempt: Ctrl-C, and two workers that took the same training at once.
INTERRUPTED, SURPLUS = "interrupted", "surplus"


@dataclass(frozen=True)
class Claim:
    """A training that this process is to make.

    died    the processes that are taken to have died at it.
    resume  whether the last attempt was cut off, so that there may be something to go on with.
    """

    stage: Stage
    at: int
    trial: optuna.Trial
    id: int
    died: tuple[str, ...]
    resume: bool

    @property
    def job(self) -> Job:
        return self.stage.jobs[self.at]


class Board:
    """A search by its name in a storage."""

    def __init__(self, storage: BaseStorage, name: str, silence: float = SILENCE) -> None:
        self._storage, self._name = storage, name
        self._looker = Looker(silence)
        self._stages: list[Stage] = []
        self._over: dict[int, tuple[Result, ...]] = {}
        self._studies: dict[str, optuna.Study] = {}

    # ---- the plan ----------------------------------------------------------------------------------------------------

    def begin(self, about: dict[str, Any]) -> None:
        """Begin a search, or go on with the one of that name.

        Args:
            about: what decides its outcome.

        Raises:
            UsageProblem: the storage holds another one of that name.
        """
        words = json.dumps(about, sort_keys=True, default=str)
        self._write_first(self._plan, "about", {"about": words})
        found = self._first(self._plan, "about")["about"]
        if found != words:
            before = json.loads(found)
            other = [f"{key} {before.get(key)!r} before, {about[key]!r} now" for key in about if before.get(key) != about[key]]  # fmt: skip
            hint = "Go on with the same, or give --out (or, with --storage, --name) another one."
            found = ", ".join(other) or "others"
            raise refused(f"the settings with which the search {self._name} began", found, "search-other", hint)

    def stages(self) -> tuple[Stage, ...]:
        """Those that are written down."""
        trials = self._plan.get_trials(deepcopy=False)
        while True:
            number = len(self._stages)
            written = next((each for each in trials if each.user_attrs.get("key") == f"stage {number}"), None)
            if written is None:
                return tuple(self._stages)
            self._stages.append(Stage.of(json.loads(written.user_attrs["stage"])))

    def write(self, stage: Stage) -> None:
        """Write the next stage down, unless another process was faster."""
        self._write_first(self._plan, f"stage {stage.number}", {"stage": json.dumps(stage.as_data())})

    def record(self) -> Record:
        """Stages, and the results of all trainings that have one."""
        stages = self.stages()
        found = [each for stage in stages for each in self.results(stage) if each is not None]
        return Record(stages, tuple(found))

    def is_over(self, stage: Stage) -> bool:
        """Whether each of its trainings has a result."""
        return all(each is not None for each in self.results(stage))

    def results(self, stage: Stage) -> tuple[Result | None, ...]:
        """What came of each of its trainings; None: nothing yet."""
        if stage.number in self._over:
            return self._over[stage.number]
        if not stage.jobs:
            return ()
        by_job = self._attempts(stage)
        found = tuple(_result(stage, at, by_job[at]) for at in range(len(stage.jobs)))
        if all(each is not None for each in found):
            self._over[stage.number] = tuple(each for each in found if each is not None)
        return found

    def running(self, stage: Stage) -> list[FrozenTrial]:
        """The trials that somebody works on, or died at."""
        return [each for each in self._trials(stage) if not each.state.is_finished()]

    # ---- the work ----------------------------------------------------------------------------------------------------

    def bury(self, stage: Stage) -> None:
        """Mark the trials whose workers are gone, so that others can take them up."""
        for trial in self.running(stage):
            attrs = trial.user_attrs
            if self._looker.is_dead(trial._trial_id, attrs["owner"], attrs.get("beat", 0)):
                self._end(trial._trial_id, DIED, "Its process ended without a word (killed?).")

    def claim(self, stage: Stage) -> Claim | None:
        """Take a training that nobody works on; None where there is none, now."""
        by_job = self._attempts(stage)
        free = [at for at, trials in by_job.items() if _result(stage, at, trials) is None and not _owner(trials)]
        if not free:
            return None
        # Not all at the same one: it would be theirs who are first, and the others would have to look again.
        at = free[random.SystemRandom().randrange(min(4, len(free)))]
        made = self._take(stage, at)
        now = self._attempts(stage)[at]
        owner = _owner(now)
        others = [each for each in now if each._trial_id != made]
        done = _owner(others) is None and _result(stage, at, others) is not None  # since we looked
        if owner is None or owner._trial_id != made or done:
            self._end(made, SURPLUS, "Another worker was faster.")
            return None
        import optuna

        before = [each.user_attrs for each in by_job[at] if each.user_attrs.get("why") != SURPLUS]
        died = tuple(attrs["owner"] for attrs in before if attrs.get("why") == DIED)
        resume = bool(before) and before[-1].get("why") in (DIED, INTERRUPTED)
        with quietly():
            return Claim(stage, at, optuna.Trial(self._study(stage), made), made, died, resume)

    def beat(self, claim: Claim, count: int) -> None:
        """Its worker lives."""
        self._storage.set_trial_user_attr(claim.id, "beat", count)

    def complete(self, claim: Claim, figure: float, told: dict[str, Any]) -> None:
        """A training has come to its end. `told`: plain values for its result."""
        from optuna.trial import TrialState

        with contextlib.suppress(*_finished()):  # it was taken for dead, and another one has taken it up
            self._storage.set_trial_user_attr(claim.id, "told", told)
            self._storage.set_trial_state_values(claim.id, TrialState.COMPLETE, [figure])

    def fail(self, claim: Claim, why: str, said: str, told: dict[str, Any] | None = None) -> None:
        """A training has ended without a figure."""
        self._end(claim.id, why, said, told)

    # ---- inner steps -------------------------------------------------------------------------------------------------

    @property
    def _plan(self) -> optuna.Study:
        return self._study_called(self._name)

    def _study(self, stage: Stage) -> optuna.Study:
        return self._study_called(f"{self._name}/{stage.number} {stage.name}")

    def _study_called(self, name: str) -> optuna.Study:
        if name not in self._studies:
            import optuna

            with quietly():
                sampler = optuna.samplers.RandomSampler()  # values come from the stage; this one draws none
                self._studies[name] = optuna.create_study(
                    storage=self._storage, study_name=name, load_if_exists=True, sampler=sampler
                )
        return self._studies[name]

    def _first(self, study: optuna.Study, key: str) -> dict[str, Any]:
        return next(each.user_attrs for each in study.get_trials(deepcopy=False) if each.user_attrs.get("key") == key)

    def _write_first(self, study: optuna.Study, key: str, attrs: dict[str, Any]) -> None:
        import optuna

        if any(each.user_attrs.get("key") == key for each in study.get_trials(deepcopy=False)):
            return
        study.add_trial(optuna.trial.create_trial(value=0.0, user_attrs={"key": key, **attrs}))

    def _trials(self, stage: Stage) -> list[FrozenTrial]:
        return self._study(stage).get_trials(deepcopy=False)

    def _attempts(self, stage: Stage) -> dict[int, list[FrozenTrial]]:
        """The trials of each training, in their order."""
        found: dict[int, list[FrozenTrial]] = {at: [] for at in range(len(stage.jobs))}
        for trial in self._trials(stage):
            if "job" in trial.user_attrs:
                found[trial.user_attrs["job"]].append(trial)
        return found

    def _take(self, stage: Stage, at: int) -> int:
        """A new running trial for a training."""
        from optuna.trial import FrozenTrial, TrialState

        job = stage.jobs[at]
        template = FrozenTrial(
            number=-1,
            trial_id=-1,
            state=TrialState.RUNNING,
            value=None,
            datetime_start=datetime.datetime.now(),
            datetime_complete=None,
            params={},
            distributions={},
            user_attrs={"job": at, "owner": this_process(), **asdict(job)},
            system_attrs={"fixed_params": self._candidate(job.candidate).params},
            intermediate_values={},
        )
        return self._storage.create_new_trial(self._study(stage)._study_id, template)

    def _candidate(self, number: int) -> Candidate:
        return next(each for stage in self._stages for each in stage.candidates if each.number == number)

    def _end(self, trial: int, why: str, said: str, told: dict[str, Any] | None = None) -> None:
        from optuna.trial import TrialState

        with contextlib.suppress(*_finished()):
            self._storage.set_trial_user_attr(trial, "why", why)
            self._storage.set_trial_user_attr(trial, "said", said)
            if told:
                self._storage.set_trial_user_attr(trial, "told", told)
            self._storage.set_trial_state_values(trial, TrialState.FAIL)


def _finished() -> tuple[type[Exception], ...]:
    from optuna.exceptions import UpdateFinishedTrialError

    return (UpdateFinishedTrialError,)


def _owner(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The trial whose training it is: the first that is not over."""
    return next((each for each in trials if not each.state.is_finished()), None)


def _result(stage: Stage, at: int, trials: Sequence[FrozenTrial]) -> Result | None:
    """What came of a training: the first complete attempt's, or that all attempts failed."""
    from optuna.trial import TrialState

    job = stage.jobs[at]
    counted = [each for each in trials if each.user_attrs.get("why") not in (INTERRUPTED, SURPLUS)]
    for before, each in enumerate(counted):
        if each.state == TrialState.COMPLETE and each.value is not None:
            return Result(job, stage.name, each.value, attempts=before + 1, **each.user_attrs["told"])
    if _owner(trials) is not None:
        return None
    for why, most in ATTEMPTS.items():
        failed = [each for each in counted if each.user_attrs.get("why") == why]
        if len(failed) >= most:
            attrs = failed[-1].user_attrs
            return Result(job, stage.name, math.nan, why, attrs["said"], len(counted), **attrs.get("told", {}))
    return None


def is_end(stages: Sequence[Stage]) -> bool:
    """Whether nothing comes after them."""
    return bool(stages) and stages[-1].name == END
