"""A short history of a task at its rate, and what happens if the rate falls now: measured on copies, nothing is changed.

Two trainings a seed, on the same batches with the same random numbers: one keeps the rate, the other lets it fall to zero in its
second half. Their losses at the end, in pairs, say what annealing gains at that point; the first one says how noisy the loss is and
whether it still falls.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seatrial.evaluation.comparison.seeds import Difference, difference
from seatrial.practice.borrowed import borrowed
from seatrial.practice.rates import Copies
from seatrial.practice.task import Task
from seatrial.practice.trying import try_out
from seatrial.practice.unchanged import unchanged
from seatrial.taps import apart

SEEDS = 4
SHARE = 0.2  # of the training that the probe is long
FEWEST, MOST = 40, 600  # its steps
TAIL = 0.1  # share of a training whose losses are its end
BLOCKS = 12  # means over so many blocks of the second half are as good as independent
SURE = 2.0  # standard errors
SLIGHT = 0.02  # a fall by less than this share of the loss, over half a probe, is none
_TIMED = 6


@dataclass(frozen=True, slots=True)
class Probe:
    """What was measured.

    steps      of each training; `rate`: the highest.
    kept, annealed   mean loss over seeds, for each step
    gain       loss at the end with the rate kept, minus with it annealed, over seeds
    level      loss at the end with the rate kept
    noise      standard deviation of the loss from batch to batch, as a share of `level`
    fall       by how much the loss falls over the second half at the kept rate, as a share of `level`, with its standard error
    diverged   trainings at the kept rate that were lost
    """

    steps: int
    rate: float
    kept: tuple[float, ...]
    annealed: tuple[float, ...]
    gain: Difference
    level: float
    noise: float
    fall: float
    fall_error: float
    diverged: int

    @property
    def is_falling(self) -> bool:
        """Whether the loss still falls at this rate."""
        return self.fall > max(SURE * self.fall_error, SLIGHT)


def probe(task: Task, rate: float, steps: int, seconds: float) -> Probe:
    """Measure it.

    Args:
        rate: the highest of the groups; 0: the task's own.
        steps: of the training that is planned.
        seconds: that may be spent, about.

    Raises:
        UsageProblem: the task is not what it should be, or its own code fails.
    """

    def measured() -> Probe:
        with unchanged(), borrowed(task.train, task.validation, task.collate):
            try_out(task)
            copies = Copies(task)
            highest = rate or copies.used
            length = _length(copies, highest, steps, seconds)
            return _probe(copies, highest, length)

    return apart(measured)


def _length(copies: Copies, rate: float, steps: int, seconds: float) -> int:
    """Steps of a probe: a share of the training, or as many as there is time for."""
    start = time.process_time()
    copies.train([rate] * _TIMED, 0)
    each = (time.process_time() - start) / _TIMED
    affordable = int(seconds / max(each, 1e-6) / (2 * SEEDS))
    return 2 * (max(FEWEST, min(round(SHARE * steps), affordable, MOST)) // 2)


def _probe(copies: Copies, rate: float, length: int) -> Probe:
    half = length // 2
    falling = [rate] * half + [rate * (1 - at / half) for at in range(half)]
    kept, annealed = [], []
    for seed in range(SEEDS):
        kept.append(_padded(copies.train([rate] * length, seed), length))
        annealed.append(_padded(copies.train(falling, seed), length))
    return measure(np.array(kept), np.array(annealed), rate)


def measure(kept: NDArray[np.float64], annealed: NDArray[np.float64], rate: float) -> Probe:
    """A probe of losses (seeds, steps); inf from where a training was lost."""
    length = kept.shape[1]
    tail = max(4, round(TAIL * length))
    lost = int((~np.isfinite(kept[:, -1])).sum())
    gain = difference(kept[:, -tail:].mean(axis=1).tolist(), annealed[:, -tail:].mean(axis=1).tolist())
    fine = kept[np.isfinite(kept).all(axis=1)]
    if not len(fine):
        nothing = math.nan
        return Probe(length, rate, (), (), gain, nothing, nothing, nothing, nothing, lost)
    level = float(fine[:, -tail:].mean())
    late = fine[:, length // 2 :]
    noise = float(np.median(np.diff(late, axis=1).std(axis=1))) / math.sqrt(2)
    fall, error = _fall(late)
    scale = abs(level) or 1.0
    whole = annealed[np.isfinite(annealed).all(axis=1)]
    return Probe(
        length,
        rate,
        tuple(fine.mean(axis=0).tolist()),
        tuple(whole.mean(axis=0).tolist()) if len(whole) else (),
        gain,
        level,
        noise / scale,
        fall / scale,
        error / scale,
        lost,
    )


def _fall(losses: NDArray[np.float64]) -> tuple[float, float]:
    """By how much losses (seeds, steps) fall from begin to end along a straight line, and the standard error of that."""
    blocks = np.array([part.mean() for part in np.array_split(losses.mean(axis=0), BLOCKS)])
    at = (np.arange(BLOCKS) - (BLOCKS - 1) / 2) / (BLOCKS - 1)
    slope = float((at * blocks).sum() / (at**2).sum())
    rest = blocks - blocks.mean() - slope * at
    return -slope, math.sqrt(float((rest**2).sum()) / (BLOCKS - 2) / float((at**2).sum()))


def _padded(losses: list[float], length: int) -> list[float]:
    return losses + [math.inf] * (length - len(losses))
