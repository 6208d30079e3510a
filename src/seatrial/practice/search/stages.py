"""What comes next in a search: decided from the stages that are over, and from nothing else.

    coarse   candidates at random, over the whole space: few epochs, a part of the data
    again    the best of them on other seeds: how much of a figure is chance
    fine     rounds of new candidates near the best ones, until a round is expected to bring less than seeds do
    longer   the survivors on all data, then the survivors of these for the whole training (successive halving)
    seeds    the leaders on fresh seeds, in turns; one that is shown to be worse is left out (Wilcoxon)

So a search comes to the same end with one worker or many, interrupted or not, wherever the same training ends alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from seatrial.numbers import counted, decimal
from seatrial.practice.refusal import refused
from seatrial.practice.search.candidates import Candidate, at_random, near_the_best
from seatrial.practice.search.gain import expected_gain, noise_between_seeds
from seatrial.practice.search.leaders import in_the_race
from seatrial.practice.search.settings import Budget, SearchSettings
from seatrial.practice.search.space import Space
from seatrial.practice.search.work import AGAIN, COARSE, END, FINE, LONGER, SEEDS, Job, Record, Stage, ranked

_TOLD_APART = 3  # the best coarse candidates, and on so many other seeds each
_FACTOR = 3  # of those that go on, a third does so again
_FIRST_SURVIVORS = 4  # of the candidates, a quarter is trained for longer
_FIRST_SEEDS = 4  # of the leaders: with fewer pairs a Wilcoxon test shows nothing
FRESH = 1000  # seeds from here on have chosen nothing


@dataclass(frozen=True)
class Plan:
    """The way of a search. `budgets`: of its rungs, the shortest first."""

    space: Space
    settings: SearchSettings
    budgets: tuple[Budget, ...]

    def next(self, record: Record) -> Stage:
        """The stage after those of a record, all of whose trainings are over."""
        if not record.stages:
            return self._coarse()
        last = record.stages[-1]
        budget = last.jobs[0].budget
        if last.name != SEEDS and not self._ranked(record, budget):
            said = f"No candidate could be trained for {budget.words}: see what failed."
            return Stage(len(record.stages), END, (), said=(said,))
        if last.name == COARSE:
            return self._again(record)
        if last.name in (AGAIN, FINE):
            return self._fine(record)
        return self._after_rung(record, last)

    @property
    def fresh_seeds(self) -> tuple[int, ...]:
        """On which the leaders are trained at the end."""
        return tuple(self.settings.seed + FRESH + at for at in range(self.settings.seeds))

    # ---- inner steps -------------------------------------------------------------------------------------------------

    def _coarse(self) -> Stage:
        settings = self.settings
        drawn = at_random(self.space, settings.coarse, settings.seed)
        if not drawn:
            hint = "It raised TrialPruned for all that were drawn: let it refuse less."
            raise refused("a space that takes some values", "one that refuses all", "search-empty", hint)
        said = f"{counted(len(drawn), 'candidate')} at random, {self.budgets[0].words} each."
        short = f" The space has no more than {len(drawn)}." if len(drawn) < settings.coarse else ""
        return Stage(0, COARSE, self._jobs(drawn, self.budgets[0]), tuple(drawn), (said + short,))

    def _again(self, record: Record) -> Stage:
        best = self._ranked(record, self.budgets[0])[:_TOLD_APART]
        seeds = [self.settings.seed + 1 + at for at in range(_TOLD_APART)]
        jobs = tuple(Job(number, seed, self.budgets[0]) for seed in seeds for number in best)
        said = f"The best {len(best)} on {len(seeds)} other seeds: how much of a figure is chance."
        return Stage(len(record.stages), AGAIN, jobs, said=(said,))

    def _fine(self, record: Record) -> Stage:
        """Another round, or the first rung where no more is to be gained by one."""
        settings, known = self.settings, record.candidates
        wanted = min(settings.round, settings.trials - len(known))
        if wanted <= 0:
            return self._rung(record, 1, f"All {settings.trials} candidates were tried.")
        number = len(record.stages)
        figures = record.figures(self.budgets[0], [settings.seed])
        drawn = near_the_best(self.space, wanted, settings.seed + number, known, figures, highest=settings.highest)
        if not drawn:
            return self._rung(record, 1, f"The space has no more than these {len(known)} candidates.")
        noise = self.noise(record)
        gain = expected_gain(known, figures, drawn, noise, highest=settings.highest)
        known_figures = {"gain": gain, "noise": noise}
        expects = (
            f"{counted(len(drawn), 'more candidate')} near the best ones would be expected to gain {decimal(gain, 2)}"
        )
        if gain < noise:
            said = f"Stopped after {len(known)} of {settings.trials} candidates: {expects}, less than the noise between seeds ({decimal(noise, 2)})."
            return self._rung(record, 1, said, known_figures)
        said = f"{counted(len(drawn), 'candidate')} near the best ones"
        said += (
            f": expected to gain {decimal(gain, 2)}; the noise between seeds is {decimal(noise, 2)}."
            if gain >= noise
            else "."
        )
        return Stage(number, FINE, self._jobs(drawn, self.budgets[0]), tuple(drawn), (said,), known_figures)

    def noise(self, record: Record) -> float:
        """Standard deviation between seeds of the figure of a first training."""
        others = [self.settings.seed + 1 + at for at in range(_TOLD_APART)]
        # Not the seed on which they were chosen: there they are too good, all of them.
        return noise_between_seeds(
            list(record.by_seed(each.number, self.budgets[0], others).values()) for each in record.candidates
        )

    def _rung(self, record: Record, rung: int, said: str, figures: dict[str, float] | None = None) -> Stage:
        """Survivors on the next rung of the ladder; where there is none, the leaders on fresh seeds."""
        settings = self.settings
        before = self.budgets[rung - 1]
        best = self._ranked(record, before)
        if rung >= len(self.budgets):
            return self._seeds(record, best[: settings.leaders], 0, said, figures)
        kept = math.ceil(len(best) / (_FIRST_SURVIVORS if rung == 1 else _FACTOR))
        chosen = best[: max(settings.leaders, kept)]
        jobs = tuple(Job(number, settings.seed, self.budgets[rung]) for number in chosen)
        more = f"The best {len(chosen)} for {self.budgets[rung].words} each."
        return Stage(len(record.stages), LONGER, jobs, said=tuple(filter(None, (said, more))), figures=figures)

    def _after_rung(self, record: Record, last: Stage) -> Stage:
        if last.name == LONGER:
            return self._rung(record, self.budgets.index(last.jobs[0].budget) + 1, "")
        leaders = list(dict.fromkeys(job.candidate for stage in record.stages if stage.name == SEEDS for job in stage.jobs))  # fmt: skip
        done = len({job.seed for stage in record.stages if stage.name == SEEDS for job in stage.jobs})
        by_seed = {each: record.by_seed(each, self.budgets[-1], self.fresh_seeds) for each in leaders}
        left = in_the_race(by_seed, highest=self.settings.highest)
        if done >= self.settings.seeds or not left:
            return Stage(len(record.stages), END, ())
        running = {job.candidate for job in last.jobs}
        gone = sorted(running - set(left))
        names = ", ".join(f"#{number}" for number in gone)
        said = f"{names} left out: behind the best on these seeds (Wilcoxon, p < 0.1)." if gone else ""
        return self._seeds(record, left, done, said)

    def _seeds(
        self, record: Record, leaders: list[int], done: int, said: str, figures: dict[str, float] | None = None
    ) -> Stage:
        seeds = self.fresh_seeds[done : max(_FIRST_SEEDS, done + 1)]
        jobs = tuple(Job(number, seed, self.budgets[-1]) for seed in seeds for number in leaders)
        more = f"{counted(len(leaders), 'leader')} on {counted(len(seeds), 'fresh seed')}."
        return Stage(len(record.stages), SEEDS, jobs, said=tuple(filter(None, (said, more))), figures=figures)

    def _ranked(self, record: Record, budget: Budget) -> list[int]:
        """Candidates by their figures on the one seed that all of them had: the same batches and, where they are alike, the same
        weights, so that their differences are less of chance than the figures are."""
        return ranked(record.figures(budget, [self.settings.seed]), highest=self.settings.highest)

    def _jobs(self, drawn: list[Candidate], budget: Budget) -> tuple[Job, ...]:
        return tuple(Job(each.number, self.settings.seed, budget) for each in drawn)
