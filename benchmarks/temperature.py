"""Which targets should a temperature be fitted to where validation data are few? The log loss on test data of a mean of five members, as it is
and after a temperature that counts each validation target as right with a share of 1 - doubt.

    python benchmarks/temperature.py

Four data sets of scikit-learn (60 % training, 20 % validation, 20 % test): three small networks, gradient boosting, nearest neighbours. On the
first two, validation data without a mistake are common. Takes about a minute.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SETS = {
    "breast cancer": (load_breast_cancer, 12),
    "wine": (load_wine, 12),
    "iris": (load_iris, 12),
    "digits": (load_digits, 4),
}
# Doubt by the number of examples and of classes; the second is seatrial's (cautious).
RULES = {
    "plain": lambda n, c: 0.0,
    "1/(n+2)": lambda n, c: 1 / (n + 2),
    "(c-1)/(n+c)": lambda n, c: (c - 1) / (n + c),
    "2/(n+2)": lambda n, c: 2 / (n + 2),
    "4/(n+4)": lambda n, c: 4 / (n + 4),
}


def fitted(shares: NDArray[np.float64], targets: NDArray[np.int64], doubt: float) -> float:
    """The temperature with the smallest loss, between 0.05 and 20."""
    logs, classes = np.log(shares.clip(1e-12)), shares.shape[1]
    wanted = np.where(np.eye(classes)[targets] == 1, 1 - doubt, doubt / (classes - 1))

    def loss(logarithm: float) -> float:
        return -float((wanted * log_softmax(logs / np.exp(logarithm), axis=1)).sum(axis=1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded").x))


def tested(shares: NDArray[np.float64], targets: NDArray[np.int64], temperature: float) -> float:
    """The log loss after a temperature."""
    logs = log_softmax(np.log(shares.clip(1e-12)) / temperature, axis=1)
    return -float(logs[np.arange(len(targets)), targets].mean())


def main() -> None:
    warnings.simplefilter("ignore")  # networks that are not trained to the end
    print(f"{'':22}{'none':>10}" + "".join(f"{name:>20}" for name in RULES) + "   (smallest temperature)")
    for name, (load, splits) in SETS.items():
        values, targets = load(return_X_y=True)
        losses: dict[str, list[float]] = {rule: [] for rule in ("none", *RULES)}
        smallest = dict.fromkeys(RULES, np.inf)
        for split in range(splits):
            order = np.random.default_rng(split).permutation(len(targets))
            train, held, test = np.split(order, [int(0.6 * len(order)), int(0.8 * len(order))])
            members = [
                make_pipeline(StandardScaler(), MLPClassifier((64,), max_iter=40, random_state=at)) for at in range(3)
            ]
            members += [
                HistGradientBoostingClassifier(max_iter=50),
                make_pipeline(StandardScaler(), KNeighborsClassifier(10)),
            ]
            for member in members:
                member.fit(values[train], targets[train])
            on_held, on_test = (
                np.mean([each.predict_proba(values[rows]) for each in members], axis=0) for rows in (held, test)
            )
            losses["none"].append(tested(on_test, targets[test], 1.0))
            for rule, doubt in RULES.items():
                by = fitted(on_held, targets[held], doubt(len(held), on_held.shape[1]))
                losses[rule].append(tested(on_test, targets[test], by))
                smallest[rule] = min(smallest[rule], by)
        cells = "".join(f"{np.mean(losses[rule]):12.4f} ({smallest[rule]:.2f})  " for rule in RULES)
        print(f"{f'{name} ({splits} splits)':22}{np.mean(losses['none']):10.4f}{cells}")


if __name__ == "__main__":
    main()
