"""Candidates: values of hyperparameters, drawn by Optuna's samplers; at random first, then near the best ones. None twice."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.practice.refusal import refused
from seatrial.practice.search.quietly import quietly
from seatrial.practice.search.space import Space

if TYPE_CHECKING:
    import optuna

# A space of which so many draws in a row are known already has nothing new to offer.
_MOST_REPEATED = 100


@dataclass(frozen=True)
class Candidate:
    """`number` from 0 in the order in which they were drawn. `distributions`: as Optuna writes them, by parameter."""

    number: int
    params: dict[str, Any]
    distributions: dict[str, str]

    @property
    def key(self) -> str:
        """The same for the same values."""
        return json.dumps(self.params, sort_keys=True, default=str)


def at_random(space: Space, count: int, seed: int) -> list[Candidate]:
    """So many candidates, each parameter drawn on its own scale (Bergstra and Bengio 2012); fewer where there are no more.

    Raises:
        UsageProblem: the space asks for nothing, or fails.
    """
    import optuna

    with quietly():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        return _drawn(space, study, count, [])


def near_the_best(
    space: Space, count: int, seed: int, known: Sequence[Candidate], figures: Mapping[int, float], *, highest: bool
) -> list[Candidate]:
    """So many new candidates where good ones are denser than others: Optuna's tree-structured Parzen estimator (Bergstra et al.
    2011; multivariate: Falkner et al. 2018). All are drawn at once, each keeping away from those before it, from results that are
    complete: so they do not depend on how many workers there are and which of them was the first to end.

    Args:
        figures: of the candidates by number; nan: it has none, and counts as worse than all others.
    """
    import optuna

    with quietly():
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=0, multivariate=True, group=True, constant_liar=True, seed=seed
        )
        study = optuna.create_study(sampler=sampler, direction="maximize" if highest else "minimize")
        study.add_trials(as_trials(known, figures))
        return _drawn(space, study, count, known)


def as_trials(known: Sequence[Candidate], figures: Mapping[int, float]) -> list[optuna.trial.FrozenTrial]:
    """Candidates as trials of Optuna; those without a figure are pruned ones."""
    import optuna
    from optuna.distributions import json_to_distribution
    from optuna.trial import TrialState

    made: list[optuna.trial.FrozenTrial] = []
    for each in known:
        figure = figures.get(each.number, math.nan)
        complete = math.isfinite(figure)
        made.append(
            optuna.trial.create_trial(
                state=TrialState.COMPLETE if complete else TrialState.PRUNED,
                value=figure if complete else None,
                params=each.params,
                distributions={name: json_to_distribution(words) for name, words in each.distributions.items()},
            )
        )
    return made


def _drawn(space: Space, study: optuna.Study, count: int, known: Sequence[Candidate]) -> list[Candidate]:
    taken = {each.key for each in known}
    found: list[Candidate] = []
    for params, distributions in _draws(space, study):
        made = Candidate(len(known) + len(found), params, distributions)
        if made.key in taken:
            continue
        taken.add(made.key)
        found.append(made)
        if len(found) == count:
            break
    return found


def _draws(space: Space, study: optuna.Study) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Draws of the study, until too many in a row were refused by the space or drawn before."""
    import optuna
    from optuna.distributions import distribution_to_json
    from optuna.trial import TrialState

    seen: set[str] = set()
    repeated = 0
    while repeated < _MOST_REPEATED:
        trial = study.ask()
        try:
            space(trial)
        except optuna.TrialPruned:
            study.tell(trial, state=TrialState.PRUNED)
            repeated += 1
            continue
        if not trial.params:
            hint = "Let it ask its trial, for instance trial.suggest_float('rate', 1e-4, 1, log=True)."
            raise refused("a space that asks its trial for a value", "one that asks for none", "search-empty", hint)
        key = json.dumps(trial.params, sort_keys=True, default=str)
        repeated = repeated + 1 if key in seen else 0
        seen.add(key)
        try:
            words = {name: distribution_to_json(each) for name, each in trial.distributions.items()}
        except TypeError as error:
            hint = "Name what they stand for: kind = trial.suggest_categorical('kind', ['relu', 'gelu'])."
            raise refused("choices as words, numbers or None", f"{error}", "search-choices", hint) from error
        yield dict(trial.params), words
