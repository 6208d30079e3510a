"""The nearest training examples of each test example, in bounded time and memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Distances looked at where no tree helps: some 20 seconds of one core.
MOST_DISTANCES = 4_000_000_000
_DIMENSIONS_OF_A_TREE = 8
_AT_ONCE = 256


def affordable(training: int, test: int, dimensions: int) -> int:
    """How many test examples can be looked up among so many training examples."""
    if dimensions <= _DIMENSIONS_OF_A_TREE:
        return test
    return min(test, max(1000, MOST_DISTANCES // max(training, 1)))


def nearest(
    training: NDArray[np.float32], test: NDArray[np.float32], count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The `count` nearest rows of `training` to each row of `test`.

    Args:
        training, test: (m, d) and (n, d), finite.

    Returns:
        distances (n, count) ascending, and positions (n, count) in `training`.
    """
    from sklearn.neighbors import NearestNeighbors

    way = "kd_tree" if training.shape[1] <= _DIMENSIONS_OF_A_TREE else "brute"
    search = NearestNeighbors(n_neighbors=count, algorithm=way).fit(training)
    distances = np.empty((len(test), count))
    places = np.empty((len(test), count), np.int64)
    for start in range(0, len(test), _AT_ONCE):
        rows = test[start : start + _AT_ONCE]
        found = search.kneighbors(rows, return_distance=False)
        # Anew, by differences: the search subtracts squares, and nothing is left of a small distance.
        exact = np.linalg.norm(training[found].astype(np.float64) - rows[:, None], axis=2)
        order = np.argsort(exact, axis=1, kind="stable")
        distances[start : start + _AT_ONCE] = np.take_along_axis(exact, order, 1)
        places[start : start + _AT_ONCE] = np.take_along_axis(found, order, 1)
    return distances, places
