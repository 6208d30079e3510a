"""Classical models as one more voice: their errors differ from a network's, though each alone may be worse."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Kind, Predictions
from seatrial.practice.ensembles import linear, neighbours, trees
from seatrial.practice.ensembles.features import Features, features
from seatrial.practice.ensembles.making import Making
from seatrial.practice.ensembles.member import LINEAR, NEIGHBOURS, TREES, Member, said_by

# Training examples times features: beyond it, growing takes minutes, and a random part of the examples is taken.
MOST_CELLS = 30_000_000


def classical(making: Making, answers: Predictions) -> list[Member]:
    """Gradient boosting, nearest neighbours and a linear model on the flattened inputs, by scikit-learn.

    Args:
        answers: what any network of the task says of the validation data: theirs are of the same kind.
    """
    names = (TREES, NEIGHBOURS, LINEAR)
    if all(making.store.has(name) for name in names):
        return [making.store.member(name) for name in names]
    try:
        found = features(making.task, making.task.train, answers.kind)
    except UsageProblem as problem:
        making.left_out.append(f"classical models: {problem.message}")
        return []
    training = part(found, making.settings.seed)
    if len(training) < len(found):
        making.told(f"classical models: {len(training)} of {len(found)} examples are taken")
    return [member for name in names if (member := _member(making, name, answers, training)) is not None]


def learn(name: str, kind: Kind, classes: int, training: Features, seed: int, path: Path) -> str:
    """Fit one of them and keep it in a file; where it comes from, in words.

    Raises:
        UsageProblem: it cannot learn from such data.
    """
    count = f"{len(training)} examples of {training.values.shape[1]} features"
    if name == TREES:
        trees.grow(kind, training, classes, seed, path)
        return f"gradient boosting on {count}"
    if name == LINEAR:
        linear.fit(kind, training, classes, seed, path)
        return f"{'ridge' if kind == 'regression' else 'logistic'} regression on {count}"
    neighbours.learn(kind, training, classes, path)
    return f"nearest neighbours among {count}"


def part(all_of: Features, seed: int) -> Features:
    """All examples, or as many of them at random as can be learnt from in minutes."""
    most = max(2, MOST_CELLS // max(1, all_of.values.shape[1]))
    if len(all_of) <= most:
        return all_of
    rows = np.random.default_rng(seed).permutation(len(all_of))[:most]
    return all_of.at(np.sort(rows))


# ---- inner steps -------------------------------------------------------------------------------------------------


def _member(making: Making, name: str, answers: Predictions, training: Features) -> Member | None:
    store, seed = making.store, making.settings.seed
    if store.has(name):
        return store.member(name)
    making.told(f"fitting {name}")
    path = store.weights(name)
    try:
        origin = learn(name, answers.kind, len(answers.classes), training, seed, path)
        said = said_by(name, making.task, path, making.validation, None, name=name, seed=seed, data_name="validation")
    except UsageProblem as problem:
        making.left_out.append(f"{name}: {problem.message}")
        return None
    return store.keep(name, name, origin, said)
