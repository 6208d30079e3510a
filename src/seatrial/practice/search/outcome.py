"""What a search has found, as plain values, and what may be said of it in sentences."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from seatrial.numbers import counted, decimal
from seatrial.practice.search.candidates import Candidate
from seatrial.practice.search.importance import Importance, importances
from seatrial.practice.search.leaders import Winner, winner
from seatrial.practice.search.settings import Budget, SearchSettings
from seatrial.practice.search.stages import FRESH
from seatrial.practice.search.work import COARSE, FINE, SEEDS, Record, Result, ranked

_MANY = 10  # of fewer whole numbers some are always at the edge


@dataclass(frozen=True)
class Search:
    """A search that is over.

    record    all stages, candidates and results.
    budgets   of its rungs, the shortest first.
    folder    with search.json, search.html and the trainings' folders.
    """

    name: str
    settings: SearchSettings
    budgets: tuple[Budget, ...]
    record: Record
    folder: str

    @cached_property
    def winner(self) -> Winner | None:
        """The best leader on fresh seeds; None where no training succeeded."""
        settings, full = self.settings, self.budgets[-1]
        leaders = {each.job.candidate for each in self.record.results if each.stage == SEEDS}
        by_seed = {number: self.record.by_seed(number, full, self.fresh_seeds) for number in leaders}
        before = self.record.figures(full, self.first_seeds)
        compared = len([figure for figure in before.values() if math.isfinite(figure)])
        return winner(by_seed, before, compared, highest=settings.highest)

    @property
    def best(self) -> Candidate | None:
        """The winning candidate."""
        return self.record.candidates[self.winner.number] if self.winner is not None else None

    @property
    def params(self) -> dict[str, Any]:
        """Its hyperparameters."""
        return dict(self.best.params) if self.best is not None else {}

    @cached_property
    def importances(self) -> tuple[Importance, ...]:
        """Of each hyperparameter, the most important one first; from the candidates that were drawn at random."""
        coarse = {each.number for stage in self.record.stages if stage.name == COARSE for each in stage.candidates}
        known = [each for each in self.record.candidates if each.number in coarse]
        figures = self.record.figures(self.budgets[0], [self.settings.seed])
        return importances(known, figures, highest=self.settings.highest)

    @property
    def failures(self) -> tuple[Result, ...]:
        """The trainings without a figure."""
        return tuple(each for each in self.record.results if each.why)

    @property
    def names(self) -> list[str]:
        """Of all hyperparameters."""
        return sorted({name for each in self.record.candidates for name in each.params})

    @property
    def figure_name(self) -> str:
        """What decided."""
        return f"validation {self.settings.choose}"

    @property
    def leaders(self) -> list[int]:
        """Candidates by number, the best one first: those on fresh seeds, then as far as the others came."""
        order: list[int] = []
        if self.winner is not None:
            order.append(self.winner.number)
        rungs = [self.record.figures(each, self.first_seeds) for each in reversed(self.budgets)]
        for figures in (self.fresh_figures, *rungs):
            order += [each for each in ranked(figures, highest=self.settings.highest) if each not in order]
        return order

    @property
    def first_seeds(self) -> list[int]:
        """The seed by which was chosen."""
        return [self.settings.seed]

    @property
    def fresh_figures(self) -> dict[int, float]:
        """The mean of each leader on fresh seeds."""
        return self.record.figures(self.budgets[-1], self.fresh_seeds)

    @property
    def fresh_seeds(self) -> list[int]:
        """Seeds that have chosen nothing."""
        return [self.settings.seed + FRESH + at for at in range(self.settings.seeds)]

    # ---- in words ----------------------------------------------------------------------------------------------------

    @property
    def headline(self) -> str:
        """The result in a sentence."""
        found = self.winner
        if found is None:
            return "No candidate could be trained to the end."
        interval = f" ({decimal(found.low)} to {decimal(found.high)})" if math.isfinite(found.low) else ""
        return (
            f"#{found.number} is the best: {self.figure_name} {decimal(found.mean)}{interval} on "
            f"{counted(found.seeds, 'fresh seed')}."
        )

    @property
    def sentences(self) -> list[str]:
        """What the result rests on, and what it does not say."""
        said = [self._optimism(), *self._rivals(), *self._limits()]
        return [each for each in said if each]

    def _optimism(self) -> str:
        found = self.winner
        if found is None or not math.isfinite(found.chosen_at):
            return ""
        looked = "better" if found.optimism > 0 else "worse"
        said = (
            f"When it was chosen, on one seed, it had {decimal(found.chosen_at)}: {decimal(abs(found.optimism))} {looked} than on "
            f"fresh seeds."
        )
        if found.of_luck > 0:
            said += f" The best of so many equal candidates would look {decimal(found.of_luck)} too good by luck alone."
        if math.isfinite(found.left) and found.rivals:
            said += f" Being the best of the leaders on these seeds leaves about {decimal(found.left)} of optimism in its mean."
        return said

    def _rivals(self) -> list[str]:
        found = self.winner
        if found is None:
            return []
        said: list[str] = []
        for number, gap in sorted(found.rivals.items(), key=lambda each: abs(each[1].mean)):
            if gap.seeds < 2:
                continue
            interval = f"{gap.mean:+.3g} ({gap.low:+.3g} to {gap.high:+.3g}, {gap.seeds} seeds)"
            verdict = "worse" if gap.shown else "not shown to be worse"
            said.append(f"#{number} is {verdict}: {interval}.")
        return said

    def _limits(self) -> list[str]:
        said = [
            "All choices were made by the validation data, which are a little too kind now. Only test data tell the rest."
        ]
        if self.failures:
            kinds = {why: sum(each.why == why for each in self.failures) for why in sorted({each.why for each in self.failures})}  # fmt: skip
            said.append(f"Without a figure: {', '.join(f'{count} {why}' for why, count in kinds.items())}.")
        again = sum(each.attempts - 1 for each in self.record.results)
        if again:
            said.append(f"{counted(again, 'attempt')} died or failed and {'was' if again == 1 else 'were'} made again.")
        at_edge = self._at_the_edge()
        if at_edge:
            said.append(
                f"The best lies at the edge of its range in {', '.join(at_edge)}: a wider range may hold a better one."
            )
        return said

    def _at_the_edge(self) -> list[str]:
        """Parameters of the winner in the outer twentieth of their range."""
        from optuna.distributions import CategoricalDistribution, IntDistribution, json_to_distribution

        if self.best is None:
            return []
        found: list[str] = []
        for name, words in self.best.distributions.items():
            given: Any = json_to_distribution(words)
            if isinstance(given, CategoricalDistribution) or given.high <= given.low:
                continue
            if isinstance(given, IntDistribution) and given.high - given.low < _MANY * given.step:
                continue
            value, low, high = (float(each) for each in (self.best.params[name], given.low, given.high))
            if given.log:
                value, low, high = math.log(value), math.log(low), math.log(high)
            place = (value - low) / (high - low)
            if min(place, 1 - place) < 0.05:
                found.append(name)
        return found

    def as_data(self) -> dict[str, Any]:
        """All of it as plain values."""
        won = self.winner
        return {
            "schema": 1,
            "name": self.name,
            "settings": asdict(self.settings),
            "budgets": [asdict(each) for each in self.budgets],
            "headline": self.headline,
            "sentences": self.sentences,
            "params": self.params,
            "winner": None if won is None else asdict(won),
            "importances": [asdict(each) for each in self.importances],
            "stages": [
                {"name": each.name, "said": each.said, "figures": each.figures, "trainings": len(each.jobs)}
                for each in self.record.stages
            ],
            "candidates": [{"number": each.number, "params": each.params} for each in self.record.candidates],
            "results": [asdict(each) for each in self.record.results],
            "tried": sum(len(each.candidates) for each in self.record.stages if each.name in (COARSE, FINE)),
        }
