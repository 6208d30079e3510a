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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from seatrial.measure.found_rates import Found, Swept, Tried
from seatrial.measure.rate_choice import choice
from seatrial.measure.rate_curves import NOTHING, Floats, Reading, reading
from seatrial.numbers import decimal

# Trains a fresh copy with a learning rate for each step, in order; seed decides on its draws (and its initialisation, where
# there is a choice). Returns the loss of each step, up to the first that is not finite or hopeless.
Train = Callable[[Sequence[float], int], list[float]]

SEEDS = 3
SWEEP_STEPS = 100
FEWEST_SWEEP_STEPS = 24
SWEEP_SHARE = 0.3  # of the time, at most, for a range test
# The range test goes from this factor of the rate that is used to its inverse, and on where that shows too little.
LOWEST = 1e-3
EXTENSION = 1e3
MOST_EXTENSIONS = 3
# With rungs of T/16, T/4 and T steps the candidates cost about 12/16 + 6/4 + 6 trainings of T steps, and one at rate 0.
COST = 9.25
FACTOR = 2.0  # from one candidate to the next; beside the best there are two more, at its root
MOST_CANDIDATES = 12
FEWEST_CANDIDATES = 6
# Each rung trains so many times as long as the one before. The best rate of a training that is dominated by noise falls with its
# length, at most in proportion: so candidates down to this factor below the best stay, and one above.
LONGER = 4
FEWEST_STEPS = 20
MOST_MOVES = 8
# Where noise rules, the best constant rate falls with the root of the length (A. Nemirovski et al., "Robust Stochastic Approximation
# Approach to Stochastic Programming", 2009, section 2.2); where curvature does, not at all. Short trainings do not tell which will: half
# way between the two (on a logarithmic scale) loses least. Beyond that many times the length that was tried, nobody knows.
ROOT = 0.5
HALF_WAY = ROOT / 2
FURTHEST = 16
# Where nothing could be tried: a tenth of the rate with the lowest loss (J. Howard & S. Gugger, "fastai", 2020, `minimum`).
BELOW_LOWEST = 10.0
LEFT_OPEN = 8.0  # a band wider than this factor names no rate
# The losses of this share of a training are its score, of so many steps at least. A longer one would favour rates that are fast at first.
TAIL = 0.1
FEWEST_IN_TAIL = 4
# Where another draw of the seeds is expected to choose a rate that costs so much (relative), more seeds are trained at the candidates up
# to this many steps of the factor from the best.
UNSURE = 0.01
MORE_SEEDS = 3
AROUND = 1.0
MORE_COST = 5  # candidates that are around the best
AS_GOOD = 0.05  # a loss that is so much higher is as good


@dataclass
class Search:
    """Looks for a rate.

    Args:
        train: see `Train`.
        used: the rate that is used so far, around which the range test lies at first; positive.
        wanted: steps of the training that the rate is for.
        seconds: CPU time that may be spent.
        tell: what is being done.
        longest: steps of the longest training that may be tried, whatever the time allows.
    """

    train: Train
    used: float
    wanted: int
    seconds: float = math.inf
    tell: Callable[[str], None] = lambda text: None
    longest: int | None = None
    seeds: int = SEEDS
    _tails: dict[tuple[float, int], Floats] = field(default_factory=dict, init=False)
    _start: float = field(default_factory=time.thread_time, init=False)
    _edge: float = field(default=math.inf, init=False)
    _per_step: float = field(default=0.0, init=False)  # seconds
    _sweep_steps: int = field(default=SWEEP_STEPS, init=False)

    def find(self) -> Found:
        """The rate. Nothing is raised: what cannot be found is said."""
        start = time.thread_time()
        probe = self.train([self.used * LOWEST] * 3, 0)
        if not probe or not np.isfinite(probe[0]):
            return self._none("the loss is not finite before any step was made")
        self._per_step = (time.thread_time() - start) / len(probe)
        self._sweep_steps = min(SWEEP_STEPS, self._fitting(self._per_step * self.seeds, SWEEP_SHARE))
        if self._sweep_steps < FEWEST_SWEEP_STEPS:
            return self._none(
                f"{FEWEST_SWEEP_STEPS} steps of {self.seeds} copies take more than a third of {decimal(self.seconds)} s"
            )
        swept = self._sweep()
        read = reading(swept.rates, swept.losses)
        if not read.falls and read.ends_low:
            return self._none(f"the loss does not react to the rate, up to {decimal(swept.rates[-1], 1)}", swept, read)
        steps = min(self.wanted, self.longest or self.wanted, self._fitting(self._per_step * self.seeds * COST))
        if steps < min(FEWEST_STEPS, self.wanted):
            return self._read_off(swept, read)
        return self._settle(swept, read, steps)

    # ---- the range test --------------------------------------------------------------------------------------------

    def _sweep(self) -> Swept:
        """The range test, its range moved until the edge lies well within it."""
        low, high = self.used * LOWEST, self.used / LOWEST
        for extension in range(MOST_EXTENSIONS + 1):
            self.tell(f"a range of learning rates, {decimal(low, 1)} to {decimal(high, 1)}")
            swept = self._range(low, high)
            read = reading(swept.rates, swept.losses)
            if extension == MOST_EXTENSIONS or not (read.begins_high or read.ends_low):
                break
            if read.begins_high:
                low, high = low / EXTENSION, low * 100  # beyond what is known to be near the edge
            else:
                low, high = high / EXTENSION, high * EXTENSION
        return swept  # pyright: ignore[reportPossiblyUnboundVariable]  # the loop runs at least once

    def _range(self, low: float, high: float) -> Swept:
        rates = np.geomspace(low, high, self._sweep_steps)
        losses = np.full((self.seeds, self._sweep_steps), np.inf)
        start, done = time.thread_time(), 0
        for seed in range(self.seeds):
            seen = self.train(rates.tolist(), seed)
            losses[seed, : len(seen)] = seen
            done += len(seen)
        self._per_step = (time.thread_time() - start) / max(1, done)
        return Swept(rates, losses)

    # ---- short trainings -------------------------------------------------------------------------------------------

    def _fitting(self, cost: float, share: float = 1.0) -> int:
        """How often something that costs so many seconds fits into a share of those that are left."""
        left = self.seconds - self._spent()
        return int(left * share / max(cost, 1e-9)) if math.isfinite(left) else 10**9

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
        for beside in (best - 0.5, best + 0.5):
            self._tail(beside, steps)
        return self._judged(steps, swept, read)

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

    def _rate(self, at: float) -> float:
        return self._edge / FACTOR**at

    def _tail(self, at: float, horizon: int) -> Floats:
        """The last losses of the trainings with candidate `at`, (seeds, steps); inf where one was lost."""
        key = (at, horizon)
        if key not in self._tails:
            self.tell(f"learning rate {decimal(self._rate(at), 2)} for {horizon} steps")
            self._tails[key] = self._trained(self._rate(at), horizon, range(self.seeds))
        return self._tails[key]

    def _trained(self, rate: float, horizon: int, seeds: Iterable[int]) -> Floats:
        found: list[Floats] = []
        for seed in seeds:
            losses = self.train([rate] * horizon, seed)
            whole = len(losses) == horizon and math.isfinite(losses[-1])
            tail = min(horizon, max(FEWEST_IN_TAIL, round(TAIL * horizon)))
            found.append(np.array(losses[-tail:]) if whole else np.full(tail, np.inf))
        return np.stack(found)

    def _score(self, at: float, horizon: int) -> float:
        return float(self._tail(at, horizon).mean())

    # ---- what they say ---------------------------------------------------------------------------------------------

    def _judged(self, steps: int, swept: Swept, read: Reading) -> Found:
        known = sorted((at for at, horizon in self._tails if horizon == steps), reverse=True)
        rates = np.array([self._rate(at) for at in known])
        tails = [self._tail(at, steps) for at in known]
        idle = self._trained(0.0, steps, range(self.seeds))
        chosen = choice(rates, np.stack(tails), idle)
        if (
            not chosen.why
            and chosen.regret > UNSURE
            and steps <= self._fitting(self._per_step * MORE_SEEDS * MORE_COST)
        ):
            around = self._with_more_seeds(known, steps)
            tails = [self._tail(at, steps) for at in known]
            chosen = choice(rates[around], np.stack([tails[at] for at in around]), idle)
        tried = tuple(
            Tried(rate, steps, tuple(map(float, tail.mean(axis=1))))
            for rate, tail in zip(rates.tolist(), tails, strict=True)
        )
        if chosen.why:
            return self._none(f"{chosen.why} within {steps} steps", swept, read, tried, steps)
        longer = min(FURTHEST, self.wanted / steps)
        rate = chosen.rate if chosen.bounded else chosen.rate * longer**-HALF_WAY
        low = chosen.low * longer**-ROOT  # the band holds both: that the rate falls so much, and that it does not
        return self._found(rate, chosen.rate, low, chosen.high, swept, read, tried, steps)

    def _with_more_seeds(self, known: Sequence[float], steps: int) -> list[int]:
        """Train more seeds at the candidates around the best one; their indices."""
        best = min(known, key=lambda at: self._score(at, steps))
        around = [index for index, at in enumerate(known) if abs(at - best) <= AROUND]
        for index in around:
            at = known[index]
            self.tell(f"learning rate {decimal(self._rate(at), 2)} for {steps} steps, with more seeds")
            more = self._trained(self._rate(at), steps, range(self.seeds, self.seeds + MORE_SEEDS))
            self._tails[at, steps] = np.concatenate([self._tail(at, steps), more])
        return around

    def _read_off(self, swept: Swept, read: Reading) -> Found:
        """A rate from the range test alone."""
        if not read.falls:
            return self._none(
                "the loss falls clearly at no rate of the range test, and there is no time to try any", swept, read
            )
        rate, low, high = (each / BELOW_LOWEST for each in (read.lowest, read.low, read.high))
        if high > LEFT_OPEN * low:
            why = f"the range test leaves open whether {decimal(low, 1)} or {decimal(high, 1)} is right, and there is no time to try them"
            return self._none(why, swept, read)
        return self._found(rate, math.nan, low, high, swept, read, (), 0)

    def _found(
        self,
        rate: float,
        tried_best: float,
        low: float,
        high: float,
        swept: Swept,
        read: Reading,
        tried: tuple[Tried, ...],
        steps: int,
    ) -> Found:
        good = _as_good(tried)
        spent = self._spent()
        return Found(rate, tried_best, low, high, good, "", self.used, steps, self.wanted, spent, swept, read, tried)

    def _none(
        self,
        why: str,
        swept: Swept | None = None,
        read: Reading | None = None,
        tried: tuple[Tried, ...] = (),
        steps: int = 0,
    ) -> Found:
        swept = swept or Swept(np.zeros(0), np.zeros((self.seeds, 0)))
        nan = math.nan
        return Found(
            nan,
            nan,
            nan,
            nan,
            (nan, nan),
            why,
            self.used,
            steps,
            self.wanted,
            self._spent(),
            swept,
            read or NOTHING,
            tried,
        )

    def _spent(self) -> float:
        return time.thread_time() - self._start


def _as_good(tried: Sequence[Tried]) -> tuple[float, float]:
    common = min((len(each.losses) for each in tried), default=0)  # rates around the best have more seeds
    ends = [(sum(each.losses[:common]) / common, each.rate) for each in tried]
    best = min(ends, default=(math.nan, math.nan))[0]
    near = [rate for loss, rate in ends if loss <= best + AS_GOOD * abs(best)]
    return (min(near), max(near)) if near else (math.nan, math.nan)
