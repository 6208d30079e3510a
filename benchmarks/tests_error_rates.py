"""How often the tests of `seatrial compare` err where nothing differs, and how often their intervals hold the truth.

    python benchmarks/tests_error_rates.py [--draws 10000] [--seconds 300] [--only WORD] [--jobs 2]

Each line draws so many experiments in which two methods do not differ and counts p up to 5 % (wanted: within 1 point of 5 %), or in which
they differ by a known amount and counts the intervals that hold it (wanted: within 1.5 points of 95 %). All calls go through the functions that
`seatrial compare` uses. Lines in brackets are what one might do instead, and are not what seatrial does. Exact tests of few counts stay below 5 % by their nature, which is
said in the last column. A line stops early when its share of the time is used up (seconds for all of it, about), and says over how many draws it
speaks: give it more time for 10,000 draws of all lines.

The cross-validated lines train real learners that see different features of the same examples, drawn alike, so that their expected
accuracy is the same at every size of training data: nearest means, which hardly change with an example more, and the nearest
neighbour, which does.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from seatrial.evaluation.comparison.better import probability_of_better
from seatrial.evaluation.comparison.bootstrap import interval_of_means, interval_of_sums
from seatrial.evaluation.comparison.compared import Compared
from seatrial.evaluation.comparison.contributions import of_groups_in, of_sums
from seatrial.evaluation.comparison.cross_validated import corrected_t, five_by_two_f, five_by_two_t
from seatrial.evaluation.comparison.many import holm
from seatrial.evaluation.comparison.paired_proportions import mcnemar_of_counts
from seatrial.evaluation.comparison.seeds import paired_t
from seatrial.evaluation.comparison.seeds_and_examples import crossed
from seatrial.evaluation.comparison.swapping import swap_means, swap_sums
from seatrial.evaluation.comparison.unpaired import two_proportions, welch
from seatrial.evaluation.metrics.classes import overall
from seatrial.evaluation.metrics.sums import Sums
from seatrial.evaluation.predictions import Predictions

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Iterator[bool]]
F1 = 2  # its place in `overall`
NULL, COVER = "type I", "coverage"


@dataclass(frozen=True)
class Line:
    """draw: yields one truth value an experiment: rejected, or covered. `share`: of the asked number of draws."""

    name: str
    kind: str
    draw: Draw
    said: str = ""
    share: float = 1.0


LINES: list[Line] = []


def line(name: str, kind: str, said: str = "", share: float = 1.0) -> Callable[[Draw], Draw]:
    def added(draw: Draw) -> Draw:
        LINES.append(Line(name, kind, draw, said, share))
        return draw

    return added


# ---- one training each, the same test examples ---------------------------------------------------------------------------


def _counts(rng: np.random.Generator, draws: int, examples: int, one: float, other: float) -> list[list[int]]:
    return rng.multinomial(examples, [one, other, 1 - one - other], draws)[:, :2].tolist()


for _mid in (False, True):
    for _n in (100, 500, 2000):

        @line(
            f"McNemar {'mid-p' if _mid else 'exact'}, {_n} examples",
            NULL,
            "" if _mid else "exact for every number of disagreements, so below 5 %",
        )
        def _(rng: np.random.Generator, draws: int, n: int = _n, mid: bool = _mid) -> Iterator[bool]:
            for one, other in _counts(rng, draws, n, 0.08, 0.08):
                yield mcnemar_of_counts(one, other, n, mid=mid).p <= 0.05


for _n, _one, _other in ((50, 0.15, 0.05), (200, 0.1, 0.05), (2000, 0.03, 0.02)):

    @line(f"Tango's interval, {_n} examples", COVER)
    def _(rng: np.random.Generator, draws: int, n: int = _n, p: float = _one, q: float = _other) -> Iterator[bool]:
        for one, other in _counts(rng, draws, n, p, q):
            found = mcnemar_of_counts(one, other, n)
            yield found.low <= p - q <= found.high


@line("paired permutation, mean of skewed losses, 60 examples", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for at, gaps in enumerate(rng.exponential(size=(draws, 60)) - rng.exponential(size=(draws, 60))):
        yield swap_means(gaps, draws=999, seed=at).p <= 0.05


def _grouped(rng: np.random.Generator, draws: int, shift: float = 0.0) -> Array:
    """Differences of 200 examples in 40 groups, alike within a group."""
    return (rng.normal(size=(draws, 40, 1)) + rng.normal(size=(draws, 40, 5))).reshape(draws, -1) + shift


GROUPS = np.repeat(np.arange(40), 5)


@line("paired permutation, 40 groups of 5", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for at, gaps in enumerate(_grouped(rng, draws)):
        yield swap_means(gaps, GROUPS, draws=999, seed=at).p <= 0.05


@line("(paired permutation, the groups forgotten)", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for at, gaps in enumerate(_grouped(rng, draws)):
        yield swap_means(gaps, draws=999, seed=at).p <= 0.05


def _tables(rng: np.random.Generator, examples: int, one: float, other: float) -> tuple[Sums, Sums]:
    """Answers for two classes, three in ten of the second one, as sums of which F1 is a function."""
    targets = rng.random(examples) < 0.3
    answers = [np.where(rng.random(examples) < right, targets, ~targets) for right in (one, other)]
    first, second = (
        overall(Predictions("binary", targets.astype(int), each.astype(float), np.arange(examples))) for each in answers
    )
    return first, second


@line("paired permutation, F1, 150 examples", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for at in range(draws):
        yield swap_sums(*_tables(rng, 150, 0.85, 0.85), F1, draws=999, seed=at).p <= 0.05


@line("paired bootstrap (BCa), mean of skewed losses, 100 examples", COVER, share=0.5)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for at, gaps in enumerate(rng.exponential(size=(draws, 100)) - rng.exponential(0.8, size=(draws, 100))):
        low, high = interval_of_means(gaps, draws=3_999, seed=at)
        yield low <= 0.2 <= high


@line("paired bootstrap (BCa), 40 groups of 5", COVER, share=0.5)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for at, gaps in enumerate(_grouped(rng, draws, 0.3)):
        low, high = interval_of_means(gaps, GROUPS, draws=999, seed=at)
        yield low <= 0.3 <= high


@line("paired bootstrap (BCa), F1, 300 examples", COVER, share=0.5)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    truth = 2 * 0.3 * 0.85 / (0.3 + 0.3 * 0.85 + 0.7 * 0.15) - 2 * 0.3 * 0.8 / (0.3 + 0.3 * 0.8 + 0.7 * 0.2)
    for at in range(draws):
        low, high = interval_of_sums(*_tables(rng, 300, 0.85, 0.8), F1, draws=999, seed=at)
        yield low <= truth <= high


# ---- several trainings, the same test examples ---------------------------------------------------------------------------


def _trainings(rng: np.random.Generator, seeds: int, examples: int, noise: float) -> Array:
    """Right answers (2, seeds, examples): each method has examples that are hard for it, each seed is a little better or worse."""
    hard = rng.normal(size=(2, 1, examples)) + rng.normal(size=(1, 1, examples))
    able = rng.normal(1.5, noise, size=(2, seeds, 1))
    return (able + hard + 0.7 * rng.normal(size=(2, seeds, examples)) > 0).astype(float)


for _seeds in (3, 5, 10):
    for _paired in (True, False):

        @line(f"t over seeds and examples, {_seeds} seeds{', paired' if _paired else ''}", NULL)
        def _(rng: np.random.Generator, draws: int, seeds: int = _seeds, paired: bool = _paired) -> Iterator[bool]:
            for _ in range(draws):
                one, other = _trainings(rng, seeds, 300, 0.1)
                yield crossed(one, other, paired=paired)[0].p <= 0.05


@line("t over seeds and examples, 5 seeds, seeds alike", NULL, "two parts added that are both nearly the whole")
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for _ in range(draws):
        one, other = _trainings(rng, 5, 300, 0.0)
        yield crossed(one, other, paired=False)[0].p <= 0.05


@line("t over seeds and examples, 5 seeds, 60 groups of 5", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    groups = np.repeat(np.arange(60), 5)
    for _ in range(draws):
        one, other = _trainings(rng, 5, 60, 0.1)
        one, other = (of_groups_in(np.repeat(each, 5, axis=1), groups) for each in (one, other))
        yield crossed(one, other, paired=False)[0].p <= 0.05


@line("t over seeds and examples, 5 seeds, F1", NULL, share=0.2)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for _ in range(draws):
        right = _trainings(rng, 5, 200, 0.1) > 0
        targets = rng.random(200) < 0.3
        tables = [
            Predictions("binary", targets.astype(int), np.where(each, targets, ~targets).astype(float), np.arange(200))
            for each in right.reshape(10, 200)
        ]
        parts = np.stack([of_sums(overall(each), F1) for each in tables])
        yield crossed(parts[:5], parts[5:], paired=False)[0].p <= 0.05


@line("(t over 5 seeds alone, where test examples vary too)", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for _ in range(draws):
        one, other = _trainings(rng, 5, 300, 0.1).mean(axis=2)
        yield welch(one, other, "seeds").p <= 0.05


@line("(McNemar on one seed, taken for its method)", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for _ in range(draws):
        one, other = _trainings(rng, 1, 300, 0.3)[:, 0] > 0
        yield mcnemar_of_counts(int((one & ~other).sum()), int((other & ~one).sum()), 300, mid=True).p <= 0.05


@line("t over seeds and examples, 5 seeds, normal figures", COVER)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for _ in range(draws):
        one, other = (
            rng.normal(size=(5, 1)) * 0.05 + rng.normal(size=200) * 0.5 + rng.normal(size=(5, 200)) for _ in range(2)
        )
        found = crossed(one + 0.1, other, paired=False)[0]
        yield found.low <= 0.1 <= found.high


for _seeds in (3, 5, 10):

    @line(f"P(better) over seeds and examples, {_seeds} seeds", COVER, "approximate: two variances in one", 0.5)
    def _(rng: np.random.Generator, draws: int, seeds: int = _seeds) -> Iterator[bool]:
        truth = float(norm.cdf(0.1 / math.sqrt(2 * (0.05**2 + 0.25 / 200 + 1 / 200))))
        for _ in range(draws):
            one, other = (
                rng.normal(size=(seeds, 1)) * 0.05 + rng.normal(size=200) * 0.5 + rng.normal(size=(seeds, 200))
                for _ in range(2)
            )
            found, spread = crossed(one + 0.1, other, paired=False)
            better = probability_of_better(found.effect, spread.mean, spread.one, spread.freedom)
            yield better.low <= truth <= better.high

    @line(f"P(better) over {_seeds} seeds in pairs", COVER, share=0.5)
    def _(rng: np.random.Generator, draws: int, seeds: int = _seeds) -> Iterator[bool]:
        truth = float(norm.cdf(0.8))
        for gaps in rng.normal(0.8, 1, size=(draws, seeds)):
            spread = float(gaps.var(ddof=1))
            better = probability_of_better(float(gaps.mean()), spread / seeds, spread, seeds - 1)
            yield better.low <= truth <= better.high

    @line(f"paired t, {_seeds} seeds", NULL)
    def _(rng: np.random.Generator, draws: int, seeds: int = _seeds) -> Iterator[bool]:
        zero = np.zeros(seeds)
        for gaps in rng.normal(size=(draws, seeds)):
            yield paired_t(gaps, zero).p <= 0.05

    @line(
        f"Welch, {_seeds} seeds each, spreads 1 : 2",
        NULL,
        "its degrees of freedom are estimated" if _seeds == 3 else "",
    )
    def _(rng: np.random.Generator, draws: int, seeds: int = _seeds) -> Iterator[bool]:
        for gaps in rng.normal(size=(draws, 2, seeds)):
            yield welch(gaps[0], 2 * gaps[1], "seeds").p <= 0.05


# ---- cross-validation ----------------------------------------------------------------------------------------------------

EXAMPLES = 200


def _data(rng: np.random.Generator, count: int) -> tuple[Array, NDArray[np.int64]]:
    """(count, 2, EXAMPLES, 5) features, a block for each of two learners, and labels. Both blocks are drawn alike."""
    labels = rng.integers(0, 2, (count, EXAMPLES))
    features = rng.normal(size=(count, 2, EXAMPLES, 5)) + 0.35 * (2 * labels - 1)[:, None, :, None]
    return features, labels


def _gap(features: Array, labels: NDArray[np.int64], test: NDArray[np.bool_]) -> Array:
    """(count,) accuracy of the nearest-mean classifier on one block minus that on the other. test: (EXAMPLES,)."""
    signs = (2 * labels - 1)[:, None, :, None]
    train = ~test
    ones = (signs[:, :, train] > 0).astype(float)
    x = features[:, :, train]
    high = (x * ones).sum(axis=2) / np.maximum(1, ones.sum(axis=2))
    low = (x * (1 - ones)).sum(axis=2) / np.maximum(1, (1 - ones).sum(axis=2))
    direction, middle = high - low, (high + low) / 2
    told = np.einsum("cbnf,cbf->cbn", features[:, :, test] - middle[:, :, None], direction) > 0
    right = (told == (labels[:, None, test] == 1)).mean(axis=2)
    return right[:, 0] - right[:, 1]


def _neighbours(features: Array, labels: NDArray[np.int64]) -> Array:
    """(count, 2, EXAMPLES, EXAMPLES) squared distances."""
    squares = (features**2).sum(axis=3)
    return squares[..., None] + squares[..., None, :] - 2 * features @ features.swapaxes(2, 3)


def _neighbour_gap(distances: Array, labels: NDArray[np.int64], test: NDArray[np.bool_]) -> Array:
    """As `_gap`, of nearest neighbours."""
    train = np.flatnonzero(~test)
    nearest = train[distances[:, :, test][..., train].argmin(axis=3)]
    told = np.take_along_axis(labels[:, None], nearest.reshape(len(labels), 1, -1), axis=2).reshape(nearest.shape)
    right = (told == labels[:, None, test]).mean(axis=2)
    return right[:, 0] - right[:, 1]


def _folds(k: int, repeats: int) -> list[NDArray[np.bool_]]:
    """Examples are drawn without order, so that the first folds may be slices."""
    rng = np.random.default_rng(1)
    found: list[NDArray[np.bool_]] = []
    for _ in range(repeats):
        number = rng.permutation(np.arange(EXAMPLES) % k)
        found += [number == at for at in range(k)]
    return found


def _divisions(
    rng: np.random.Generator, draws: int, tests: list[NDArray[np.bool_]], neighbours: bool = False
) -> Iterator[Array]:
    at_once = 100 if neighbours else 500
    for start in range(0, draws, at_once):
        features, labels = _data(rng, min(at_once, draws - start))
        seen = _neighbours(features, labels) if neighbours else features
        gap = _neighbour_gap if neighbours else _gap
        yield from np.stack([gap(seen, labels, test) for test in tests], axis=1)


def _all_folds(k: int, repeats: int, corrected: bool, neighbours: bool) -> Draw:
    def draw(rng: np.random.Generator, draws: int) -> Iterator[bool]:
        for gaps in _divisions(rng, draws, _folds(k, repeats), neighbours):
            yield corrected_t(gaps, corrected / (k - 1)).p <= 0.05

    return draw


def _random_divisions(corrected: bool, neighbours: bool) -> Draw:
    def draw(rng: np.random.Generator, draws: int) -> Iterator[bool]:
        order = np.random.default_rng(1)
        tests = [order.permutation(EXAMPLES) < EXAMPLES // 10 for _ in range(15)]
        for gaps in _divisions(rng, draws, tests, neighbours):
            yield corrected_t(gaps, corrected / 9).p <= 0.05

    return draw


def _halves(test: Callable[[Array], Compared], neighbours: bool) -> Draw:
    def draw(rng: np.random.Generator, draws: int) -> Iterator[bool]:
        for gaps in _divisions(rng, draws, _folds(2, 5), neighbours):
            yield test(gaps.reshape(5, 2)).p <= 0.05

    return draw


for _neighbour in (False, True):
    _by = "nearest neighbour" if _neighbour else "nearest means"
    for _corrected in (True, False):
        _t, _said = ("corrected t", "") if _corrected else ("t", "")
        for _k, _repeats in ((10, 1), (5, 1), (10, 3)):
            _name = f"{_t}, {f'{_repeats} times ' if _repeats > 1 else ''}{_k} folds, {_by}"
            _draw = _all_folds(_k, _repeats, _corrected, _neighbour)
            LINES.append(Line(_name if _corrected else f"({_name})", NULL, _draw, _said, 0.2 if _neighbour else 1.0))
        _name = f"{_t}, 15 random divisions 90 : 10, {_by}"
        _draw = _random_divisions(_corrected, _neighbour)
        LINES.append(Line(_name if _corrected else f"({_name})", NULL, _draw, _said, 0.2 if _neighbour else 1.0))
    _share = 0.2 if _neighbour else 1.0
    LINES.append(Line(f"5x2cv combined F, {_by}", NULL, _halves(five_by_two_f, _neighbour), "", _share))
    LINES.append(Line(f"(5x2cv paired t, {_by})", NULL, _halves(five_by_two_t, _neighbour), "", _share))


@line("corrected t, 10 folds, if its assumption held", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    shared = math.sqrt(0.1) * rng.normal(size=(draws, 1))  # correlation: test over test and training examples
    for gaps in shared + math.sqrt(0.9) * rng.normal(size=(draws, 10)):
        yield corrected_t(gaps, 1 / 9).p <= 0.05


@line("5x2cv combined F, if its assumptions held", NULL, "its numerator is no F even then")
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for gaps in rng.normal(size=(draws, 5, 2)):
        yield five_by_two_f(gaps).p <= 0.05


# ---- different test examples; many comparisons ---------------------------------------------------------------------------


@line("two proportions, 300 and 500 examples", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for one, other in zip(rng.binomial(300, 0.9, draws).tolist(), rng.binomial(500, 0.9, draws).tolist(), strict=True):
        yield two_proportions(one, 300, other, 500).p <= 0.05


@line("two proportions (Newcombe's interval), 100 and 150 examples", COVER)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for one, other in zip(rng.binomial(100, 0.95, draws).tolist(), rng.binomial(150, 0.9, draws).tolist(), strict=True):
        found = two_proportions(one, 100, other, 150)
        yield found.low <= 0.05 <= found.high


@line("Welch, skewed losses of 200 and 300 examples", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for one, other in zip(rng.exponential(size=(draws, 200)), rng.exponential(size=(draws, 300)), strict=True):
        yield welch(one, other).p <= 0.05


@line(
    "Holm, any of 6 comparisons of 4 methods over 5 seeds",
    NULL,
    "of some comparison; conservative as they depend on each other",
)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for figures in rng.normal(size=(draws, 4, 5)):
        p = [paired_t(figures[one], figures[other]).p for one in range(4) for other in range(one)]
        yield bool((holm(p) <= 0.05).any())


@line("(the same without Holm)", NULL)
def _(rng: np.random.Generator, draws: int) -> Iterator[bool]:
    for figures in rng.normal(size=(draws, 4, 5)):
        yield any(paired_t(figures[one], figures[other]).p <= 0.05 for one in range(4) for other in range(one))


# ---- the table -----------------------------------------------------------------------------------------------------------


def measured(at: int, draws: int, seconds: float) -> tuple[int, int, float]:
    """How often it happened, of how many, in so many seconds; not many more than it may take."""
    began = time.monotonic()
    asked = max(200, round(draws * LINES[at].share))
    found = done = 0
    for happened in LINES[at].draw(np.random.default_rng([7, at]), asked):
        found, done = found + bool(happened), done + 1
        if time.monotonic() - began > seconds:
            break
    return found, done, time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=300.0, help="for all of it, about")
    parser.add_argument("--only", default="", help="lines with this word")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    chosen = [at for at, each in enumerate(LINES) if args.only in each.name]
    print(f"{'':64} {'':9} {'found':>7} {'+-':>5}  draws  within")
    outside: list[str] = []
    share_each = args.seconds * args.jobs / max(1, len(chosen))
    with ProcessPoolExecutor(args.jobs) as workers:
        made = workers.map(measured, chosen, repeat(args.draws), repeat(share_each))
        for at, (found, asked, seconds) in zip(chosen, made, strict=True):
            each, share = LINES[at], found / asked
            wanted, margin = (0.05, 0.01) if each.kind == NULL else (0.95, 0.015)
            error = math.sqrt(share * (1 - share) / asked)
            within = abs(share - wanted) <= margin
            safe = share < wanted if each.kind == NULL else share > wanted
            said = "yes" if within else "no, on the safe side" if safe else "NO"
            if not within and not safe and not each.name.startswith("("):
                outside.append(each.name)
            print(
                f"{each.name:64} {each.kind:9} {share:7.2%} {2 * error:5.2%} {asked:6} "
                f" {said}{f' ({each.said})' if each.said else ''}  [{seconds:.0f} s]",
                flush=True,
            )
    print("\nTests of folds cannot have their level for all learners: see docs/decisions/comparison.md.")
    print(f"{'All within the margins or on the safe side.' if not outside else 'Outside: ' + '; '.join(outside)}")


if __name__ == "__main__":
    main()
