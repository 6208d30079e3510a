"""Classical models as one more voice: their errors differ from a network's, though each alone may be worse."""

from __future__ import annotations

import numpy as np

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions
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
        training = _part(making, features(making.task, making.task.train, answers.kind))
    except UsageProblem as problem:
        making.left_out.append(f"classical models: {problem.message}")
        return []
    return [member for name in names if (member := _member(making, name, answers, training)) is not None]


def _member(making: Making, name: str, answers: Predictions, training: Features) -> Member | None:
    store, seed = making.store, making.settings.seed
    if store.has(name):
        return store.member(name)
    making.told(f"fitting {name}")
    path, classes = store.weights(name), len(answers.classes)
    count = f"{len(training)} examples of {training.values.shape[1]} features"
    try:
        if name == TREES:
            trees.grow(answers.kind, training, classes, seed, path)
            origin = f"gradient boosting on {count}"
        elif name == LINEAR:
            linear.fit(answers.kind, training, classes, seed, path)
            origin = f"{'ridge' if answers.kind == 'regression' else 'logistic'} regression on {count}"
        else:
            neighbours.learn(answers.kind, training, classes, path)
            origin = f"nearest neighbours among {count}"
        said = said_by(name, making.task, path, making.validation, None, name=name, seed=seed, data_name="validation")
    except UsageProblem as problem:
        making.left_out.append(f"{name}: {problem.message}")
        return None
    return store.keep(name, name, origin, said)


def _part(making: Making, all_of: Features) -> Features:
    most = max(2, MOST_CELLS // max(1, all_of.values.shape[1]))
    if len(all_of) <= most:
        return all_of
    making.told(f"classical models: {most} of {len(all_of)} examples are taken")
    rows = np.random.default_rng(making.settings.seed).permutation(len(all_of))[:most]
    return all_of.at(np.sort(rows))
