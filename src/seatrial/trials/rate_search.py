"""The learning rate with which a training of so many steps ends best: a range test finds where to look, short trainings of
fresh copies decide.

A range test alone (L. N. Smith, WACV 2017, section 3.3) shows where the loss falls while the rate grows. It cannot show which
rate a longer training wants: that depends on its length (Y. Wu et al., "Understanding Short-Horizon Bias in Stochastic
Meta-Optimization", ICLR 2018). So candidates below the edge of stability are trained, ever fewer ever longer (successive halving,
K. Jamieson & A. Talwalkar, AISTATS 2016), all on the same batches with the same random numbers, so that their losses can be
compared in pairs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from seatrial.measure.rate_curves import Floats, Reading, reading

# Trains a fresh copy with a learning rate for each step, in order; seed decides on its draws (and its initialisation, where
# there is a choice). Returns the loss of each step, up to the first that is not finite or hopeless.
Train = Callable[[Sequence[float], int], list[float]]

SEEDS = 3
SWEEP_STEPS = 100
# The range test goes from this factor of the rate that is used to its inverse, and on where that shows too little.
LOWEST = 1e-3
EXTENSION = 1e3
MOST_EXTENSIONS = 3
FACTOR = 2.0  # from one candidate to the next
MOST_CANDIDATES = 12
FEWEST_CANDIDATES = 6
# Each rung trains so many times as long as the one before. The best rate of a training that is dominated by noise falls with its
# length, at most in proportion: so candidates down to this factor below the best stay, and one above.
LONGER = 4
FEWEST_STEPS = 20
MOST_MOVES = 8
TAIL = 0.25  # share of a training whose losses are its score
SURE = 3.0  # standard errors
AS_GOOD = 0.05  # a loss that is so much higher is as good
# Seeds disagree where their own best rates are further apart than this, and another's costs one of them such a share of its fall.
APART = 8.0
REGRET = 0.2
DRAWS = 400
BAND = 0.9


@dataclass(frozen=True, slots=True)
class Swept:
    """A range test: `rates` (steps,), `losses` (seeds, steps; inf from where a seed broke)."""

    rates: Floats
    losses: Floats


@dataclass(frozen=True, slots=True)
class Tried:
    """Short trainings at one rate: the `losses` they ended with, one a seed (inf: lost), and how many `steps` they took."""

    rate: float
    steps: int
    losses: tuple[float, ...]

    @property
    def loss(self) -> float:
        return sum(self.losses) / len(self.losses)


@dataclass(frozen=True, slots=True)
class Found:
    """A learning rate, or why there is none.

    rate       to train with; nan where nothing is suggested.
    low, high  its 90 % band, over redrawn seeds and batches.
    as_good    the lowest and the highest rate tried whose loss is within 5 % of the best; nan where none was tried.
    why        there is no suggestion.
    used       the rate that the task or script has.
    steps      of the longest trainings that were tried, of `wanted`.
    seconds    it took.
    """

    rate: float
    low: float
    high: float
    as_good: tuple[float, float]
    why: str
    used: float
    steps: int
    wanted: int
    seconds: float
    swept: Swept
    read: Reading
    tried: tuple[Tried, ...]


@dataclass
class Search:
    """Looks for a rate.

    Args:
        train: see `Train`.
        used: the rate that is used so far, around which the range test lies at first; positive.
        wanted: steps of the training that the rate is for.
        seconds: CPU time that may be spent.
        tell: what is being done.
    """

    train: Train
    used: float
    wanted: int
    seconds: float = math.inf
    tell: Callable[[str], None] = lambda text: None
    seeds: int = SEEDS
    _tails: dict[tuple[int, int], list[Floats]] = field(default_factory=dict, init=False)
    _start: float = field(default_factory=time.thread_time, init=False)

    def find(self) -> Found:
        """The rate. Nothing is raised: what cannot be found is said."""
        swept, per_step = self._sweep()
        read = reading(swept.rates, swept.losses)
        if not np.isfinite(swept.losses[:, 0]).any():
            return self._none("the loss is not finite before any step was made", swept, read)
        if not read.falls and read.ends_low:
            return self._none(
                f"the loss does not react to the rate, up to {swept.rates[-1]:.0e}", swept, read
            )
        steps = self._affordable(per_step)
        if steps < min(FEWEST_STEPS, self.wanted):
            why = f"{FEWEST_STEPS} steps at each of some rates would take longer than {self.seconds:.0f} s"
            return self._none(why, swept, read)
        return self._settle(swept, read, steps)

    # ---- the range test --------------------------------------------------------------------------------------------

    def _sweep(self) -> tuple[Swept, float]:
        """The range test, its range extended until it shows a flat start and the edge; and the seconds of a step."""
        low, high = self.used * LOWEST, self.used / LOWEST
        for extension in range(MOST_EXTENSIONS + 1):
            self.tell(f"a range of learning rates, {low:.1g} to {high:.1g}")
            swept, per_step = self._range(low, high)
            read = reading(swept.rates, swept.losses)
            if extension == MOST_EXTENSIONS or not (read.begins_high or read.ends_low):
                break
            if read.begins_high:
                low, high = low / EXTENSION, min(high, low * EXTENSION)
            else:
                low, high = high / EXTENSION**2, high * EXTENSION
        return swept, per_step  # pyright: ignore[reportPossiblyUnboundVariable]  # the loop runs at least once

    def _range(self, low: float, high: float) -> tuple[Swept, float]:
        rates = np.geomspace(low, high, SWEEP_STEPS)
        losses = np.full((self.seeds, SWEEP_STEPS), np.inf)
        start, done = time.thread_time(), 0
        for seed in range(self.seeds):
            seen = self.train(rates.tolist(), seed)
            losses[seed, : len(seen)] = seen
            done += len(seen)
        return Swept(rates, losses), (time.thread_time() - start) / max(1, done)

    # ---- short trainings -------------------------------------------------------------------------------------------

    def _affordable(self, per_step: float) -> int:
        """How long the longest trainings may be. With rungs of T/16, T/4 and T steps the candidates cost about
        12/16 + 6/4 + 4 trainings of T steps, each with every seed."""
        left = self.seconds - (time.thread_time() - self._start)
        if not math.isfinite(left):
            return self.wanted
        return min(self.wanted, int(left / max(per_step, 1e-9) / (6.25 * self.seeds)))

    def _settle(self, swept: Swept, read: Reading, steps: int) -> Found:
        edge = read.edge if math.isfinite(read.edge) else float(swept.rates[-1])
        self._edge = edge
        fewest = edge / FACTOR ** (FEWEST_CANDIDATES - 1)
        lowest = min(fewest, read.onset if math.isfinite(read.onset) else 0.0)
        count = min(MOST_CANDIDATES, 1 + math.ceil(math.log(edge / max(lowest, 1e-300)) / math.log(FACTOR)))
        window = list(range(count))
        rungs = [h for h in (steps // LONGER**2, steps // LONGER) if h >= FEWEST_STEPS] + [steps]
        best = 0
        for horizon in rungs:
            best = self._best(window, horizon)
            window = [best - 1, best, best + 1, best + 2]
        return self._judged(best, steps, swept, read)

    def _best(self, window: list[int], horizon: int) -> int:
        """The best candidate of a rung, with worse ones on both sides of it: where it is the last of the window, the window grows."""
        for _ in range(MOST_MOVES):
            for at in window:
                self._tail(at, horizon)
            best = min(window, key=lambda at: self._score(at, horizon))
            if not math.isfinite(self._score(best, horizon)):
                more = [max(window) + 1, max(window) + 2, max(window) + 3]
            elif best == max(window):
                more = [best + 1]
            elif best == min(window):
                more = [best - 1]
            else:
                return best
            window = [*window, *more]
        return min(window, key=lambda at: self._score(at, horizon))

    def _rate(self, at: int) -> float:
        return self._edge / FACTOR**at

    def _tail(self, at: int, horizon: int) -> list[Floats]:
        """The last losses of the trainings with candidate `at`, of each seed; inf where it was lost."""
        key = (at, horizon)
        if key not in self._tails:
            self.tell(f"learning rate {self._rate(at):.2g} for {horizon} steps")
            length = max(1, round(TAIL * horizon))
            runs = [self.train([self._rate(at)] * horizon, seed) for seed in range(self.seeds)]
            self._tails[key] = [
                np.array(run[-length:]) if len(run) == horizon else np.full(length, np.inf) for run in runs
            ]
        return self._tails[key]

    def _score(self, at: int, horizon: int) -> float:
        return float(np.mean([tail.mean() for tail in self._tail(at, horizon)]))

    # ---- what they say ---------------------------------------------------------------------------------------------

    def _judged(self, best: int, steps: int, swept: Swept, read: Reading) -> Found:
        known = sorted(at for at, horizon in self._tails if horizon == steps)
        means = np.array([[tail.mean() for tail in self._tail(at, steps)] for at in known])  # (candidates, seeds)
        tried = tuple(Tried(self._rate(at), steps, tuple(map(float, row))) for at, row in zip(known, means, strict=True))
        tried = tuple(sorted(tried, key=lambda each: each.rate))
        idle = [self.train([0.0] * steps, seed) for seed in range(self.seeds)]
        length = max(1, round(TAIL * steps))
        fall = [np.array(run[-length:]) - tail for run, tail in zip(idle, self._tail(best, steps), strict=True)]
        if not _clearly_positive(fall):
            return self._none(f"the loss falls clearly at no rate within {steps} steps", swept, read, tried, steps)
        own = [int(known[int(row)]) for row in means.argmin(axis=0)]
        disagree = self._disagreement(own, best, known, means, np.array([part.mean() for part in fall]))
        if disagree:
            return self._none(disagree, swept, read, tried, steps)
        rate, low, high = self._vertex(best, known, steps)
        return Found(
            rate, low, high, _as_good(tried), "", self.used, steps, self.wanted, self._spent(), swept, read, tried
        )

    def _disagreement(self, own: list[int], best: int, known: list[int], means: Floats, fall: Floats) -> str:
        apart = FACTOR ** (max(own) - min(own))
        regret = means[known.index(best)] - means.min(axis=0)
        if apart <= APART or not (regret > REGRET * (fall + regret)).any():
            return ""
        rates = self._rate(max(own)), self._rate(min(own))
        return f"the seeds disagree: the best rates of single ones reach from {rates[0]:.2g} to {rates[1]:.2g}"

    def _vertex(self, best: int, known: list[int], steps: int) -> tuple[float, float, float]:
        """Between the candidates: the lowest point of the parabola through the best and its neighbours, with its band."""
        draw = np.random.default_rng(0)
        tails = {at: self._tail(at, steps) for at in known}
        reference = tails[best]
        means = np.array([[tail.mean() for tail in tails[at]] for at in known])
        errors = np.array(
            [[_error(tail - other) for tail, other in zip(tails[at], reference, strict=True)] for at in known]
        )
        rate = self._rate_at(known, means.mean(axis=1))
        drawn: list[float] = []
        for _ in range(DRAWS):
            seeds = draw.integers(0, self.seeds, self.seeds)
            noise = draw.standard_normal(means.shape) * np.where(np.isfinite(errors), errors, 0.0)
            drawn.append(self._rate_at(known, (means + noise)[:, seeds].mean(axis=1)))
        low, high = np.quantile(np.log(drawn), [(1 - BAND) / 2, (1 + BAND) / 2])
        return rate, min(rate, float(np.exp(low))), max(rate, float(np.exp(high)))

    def _rate_at(self, known: list[int], losses: Floats) -> float:
        """The rate of the lowest point; the best candidate's own where a neighbour was lost or is not there."""
        at = int(losses.argmin())
        if not 0 < at < len(known) - 1 or not np.isfinite(losses[at - 1 : at + 2]).all():
            return self._rate(known[at])
        before, here, after = (float(loss) for loss in losses[at - 1 : at + 2])
        bend = before - 2 * here + after
        shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
        return self._edge / FACTOR ** (known[at] + shift)

    def _none(
        self, why: str, swept: Swept, read: Reading, tried: tuple[Tried, ...] = (), steps: int = 0
    ) -> Found:
        nan = math.nan
        return Found(nan, nan, nan, (nan, nan), why, self.used, steps, self.wanted, self._spent(), swept, read, tried)

    def _spent(self) -> float:
        return time.thread_time() - self._start


def _as_good(tried: Sequence[Tried]) -> tuple[float, float]:
    best = min(each.loss for each in tried)
    near = [each.rate for each in tried if each.loss <= best + AS_GOOD * abs(best)]
    return min(near), max(near)


def _error(differences: Floats) -> float:
    """The standard error of a mean of paired differences, some of them after one another alike: of batches of a quarter."""
    if not np.isfinite(differences).all() or len(differences) < 4:
        return math.nan
    parts = [part.mean() for part in np.array_split(differences, min(8, len(differences) // 2))]
    return float(np.std(parts, ddof=1) / math.sqrt(len(parts)))


def _clearly_positive(differences: list[Floats]) -> bool:
    """Whether the mean of paired differences, seed by seed, lies above zero by more than chance."""
    if not all(np.isfinite(part).all() for part in differences):
        return False
    mean = float(np.mean([part.mean() for part in differences]))
    errors = [_error(part) for part in differences]
    if not all(map(math.isfinite, errors)):
        return mean > 0
    return mean > SURE * math.sqrt(sum(error**2 for error in errors)) / len(errors)
