"""Suggested learning rates against a grid of rates, side by side with other finders on the same curves.

    python benchmarks/rates.py [--repeats 3] [--only NAME ...] [--keep FILE]

Ten noisy problems are each trained for a fixed number of steps with every rate of a grid: the lowest mean loss of the whole
training data (for quadratics: of the loss without noise) at the end is the best of the grid. A rate is wrong where the loss at its end is
more than 5 % higher; rates are suggested anew by each repeat, with other seeds than the grid's. Single trainings of the networks
differ by 20 to 40 %: so seeds are added (up to 32, the same for all rates) until two standard errors tell which rate of the grid is the best, and on
which side of 5 % a suggested one lies.

Rules on the curve of the first seed of seatrial's own range test ("same"), and on a range test with the finder's own defaults ("own"):
    Lightning   `suggestion` of pytorch_lightning.tuner.lr_finder, on losses smoothed as its callback does (steepest by rate)
    valley, steep, minimum   of fastai.callback.schedule, written anew after its source, on losses smoothed as its Recorder does
    steepest    of torch_lr_finder.LRFinder.plot, written anew after its source
seatrial     find_rate for the length of the training; seatrial/8 may try only trainings of an eighth of it.

Each problem takes one to five minutes on a quiet core, the most for the networks; so it can be run in parts: `--only` takes parts of names,
and `--keep FILE` adds a line for each problem to a file, over all of which the table at the end is made.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import Dataset, TensorDataset

from seatrial import Task
from seatrial.practice.rates import Copies
from seatrial.practice.unchanged import unchanged
from seatrial.trials.rate_search import Search

WRONG = 1.05
GRID = np.geomspace(1e-4, 10, 26)
SEEDS = (2, 4, 8, 16, 32)  # that tell the loss of a rate: ever more, until it is clear
FIRST_SEED = 100
FAR = 2.0  # times the best: two seeds are enough to tell
CLEAR = 2.0  # standard errors
LOOKS = 4  # at the loss, over the last tenth of a training

Train = Callable[[Sequence[float], int], list[float]]


# ---- problems ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """`truth(model)`: the loss that counts, at the end of `steps` steps."""

    task: Task
    truth: Callable[[nn.Module], float]
    steps: int


class Bowl(nn.Module):
    """A quadratic with curvatures from 1 down to 1 / condition; each example has its lowest point elsewhere."""

    def __init__(self, condition: float, size: int = 20) -> None:
        super().__init__()
        self.curvature = torch.logspace(0, -math.log10(condition), size)
        self.w = nn.Parameter(torch.ones(size) + 0.1 * torch.randn(size))

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        return 0.5 * ((self.w - noise) ** 2) @ self.curvature


def bowl(condition: float, noise: torch.Tensor, optimizer: Any, steps: int) -> Problem:
    noise = noise - noise.mean(dim=0)  # so that the lowest point of the whole is 0
    data = TensorDataset(noise, torch.zeros(len(noise)))
    task = Task(lambda: Bowl(condition), lambda output, _: output.mean(), data, optimizer=optimizer, batch_size=4)
    return Problem(task, lambda model: model(torch.zeros(1, 20)).item(), steps)


def classified(make: Callable[[], nn.Module], x: torch.Tensor, y: torch.Tensor, optimizer: Any, steps: int) -> Problem:
    def truth(model: nn.Module) -> float:
        return F.cross_entropy(model(x[:1024]).flatten(0, -2), y[:1024].flatten()).item()

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(output.flatten(0, -2), target.flatten())

    data: Dataset[Any] = TensorDataset(x, y)
    return Problem(Task(make, loss, data, optimizer=optimizer), truth, steps)


class Reader(nn.Module):
    """A small transformer that predicts the next of its characters."""

    def __init__(self, characters: int, length: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(characters, 32)
        self.place = nn.Parameter(0.02 * torch.randn(length, 32))
        self.body = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.out = nn.Linear(32, characters)
        self.mask = nn.Transformer.generate_square_subsequent_mask(length)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.body(self.embed(x) + self.place, src_mask=self.mask, is_causal=True))


def sgd(momentum: float = 0.0, nesterov: bool = False) -> Any:
    return lambda model: torch.optim.SGD(model.parameters(), lr=0.01, momentum=momentum, nesterov=nesterov)


def adamw(model: nn.Module) -> Any:
    return torch.optim.AdamW(model.parameters(), lr=1e-3)


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def problems() -> dict[str, Callable[[], Problem]]:
    draw = torch.Generator().manual_seed(0)
    normal = torch.randn(2000, 20, generator=draw)
    heavy = normal * (1 + 10 * (torch.rand(2000, 1, generator=draw) < 0.02))  # spikes
    cancer, digits = load_breast_cancer(), load_digits()
    features = torch.tensor((cancer.data - cancer.data.mean(0)) / cancer.data.std(0), dtype=torch.float32)
    malign = torch.tensor(cancer.target)
    images, figures = torch.tensor(digits.images / 8 - 1, dtype=torch.float32).unsqueeze(1), torch.tensor(digits.target)
    text = "".join(topics[key] for key in sorted(topics))[:40_000]
    letters = {letter: at for at, letter in enumerate(sorted(set(text)))}
    codes = torch.tensor([letters[letter] for letter in text])
    pieces = codes[: len(codes) // 33 * 33].view(-1, 33)
    reader = functools.partial(Reader, len(letters), 32)
    return {
        "quadratic 10, SGD": lambda: bowl(10, normal, sgd(), 300),
        "quadratic 1000, momentum": lambda: bowl(1000, normal, sgd(0.9), 300),
        "quadratic 100, spikes, SGD": lambda: bowl(100, heavy, sgd(), 300),
        "logistic, momentum": lambda: classified(lambda: nn.Linear(30, 2), features, malign, sgd(0.9), 300),
        "MLP, SGD": lambda: classified(mlp, images, figures, sgd(), 300),
        "MLP, AdamW": lambda: classified(mlp, images, figures, adamw, 300),
        "CNN, Nesterov": lambda: classified(cnn, images, figures, sgd(0.9, True), 200),
        "CNN, AdamW": lambda: classified(cnn, images, figures, adamw, 200),
        "transformer, AdamW": lambda: classified(reader, pieces[:, :-1], pieces[:, 1:], adamw, 200),
        "transformer, momentum": lambda: classified(reader, pieces[:, :-1], pieces[:, 1:], sgd(0.9), 200),
    }  # fmt: skip


class Truth:
    """The losses that a problem's training ends with, by rate; each rate is trained once with each seed."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.copies = Copies(problem.task)
        self.known: dict[tuple[float, int], float] = {}
        self.best, near = self._raced()
        self.loss = float(self._losses(self.best, SEEDS[-1]).mean())
        self.good = [rate for rate in near if self.ratio(rate) <= WRONG]

    def ratio(self, rate: float) -> float:
        """How many times the best loss a rate ends with; inf where it is lost, or is no rate."""
        ratio = math.inf
        for seeds in SEEDS if rate > 0 else ():
            ratio, error = self._compared(rate, self.best, seeds)
            if ratio > FAR or (seeds > SEEDS[0] and abs(ratio - WRONG) > CLEAR * error):
                break
        return ratio

    def _raced(self) -> tuple[float, list[float]]:
        """The rate of the grid that ends lowest, and those near it."""
        near = left = GRID.tolist()
        for seeds in SEEDS:
            best = min(left, key=lambda rate: self._losses(rate, seeds).mean())
            ratios = {rate: self._compared(rate, best, seeds) for rate in left}
            if seeds == SEEDS[0]:
                near = left = [rate for rate, (ratio, _) in ratios.items() if ratio <= FAR]
            else:
                left = [rate for rate, (ratio, error) in ratios.items() if ratio - 1 <= CLEAR * error]
        return best, near

    def _compared(self, rate: float, other: float, seeds: int) -> tuple[float, float]:
        """The ratio of the mean losses of two rates, and its standard error, from differences in pairs."""
        here, there = self._losses(rate, seeds), self._losses(other, seeds)
        if not np.isfinite(here).all():
            return math.inf, 0.0
        ratio = float(here.mean() / there.mean())
        return ratio, float((here - ratio * there).std(ddof=1) / math.sqrt(seeds) / there.mean())

    def _losses(self, rate: float, seeds: int) -> np.ndarray:
        rate = float(f"{rate:.2g}")
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            if (rate, seed) not in self.known:
                self.known[rate, seed] = self._one(rate, seed)
        return np.array([self.known[rate, seed] for seed in range(FIRST_SEED, FIRST_SEED + seeds)])

    def _one(self, rate: float, seed: int) -> float:
        steps, seen = self.problem.steps, []
        looks = {round(steps * (1 - 0.1 * look / (LOOKS - 1))) for look in range(LOOKS)}

        def look(number: int, model: nn.Module) -> None:
            if number in looks:
                with torch.no_grad():
                    seen.append(self.problem.truth(model.eval()))
                model.train()

        done = self.copies.train([rate] * steps, seed, look)
        return sum(seen) / LOOKS if len(done) == steps and all(map(math.isfinite, [*done, *seen])) else math.inf


# ---- the other finders' rules --------------------------------------------------------------------------------------------------


def smoothed(losses: Sequence[float], beta: float, stop: float) -> list[float]:
    """An exponential average without its bias at the start, up to where it is so many times its lowest."""
    average, found = 0.0, []
    for at, loss in enumerate(losses):
        average = beta * average + (1 - beta) * loss
        found.append(average / (1 - beta ** (at + 1)))
        if at > 1 and found[-1] > stop * min(found):
            break
    return found


def lightning(rates: Sequence[float], losses: Sequence[float]) -> float:
    from pytorch_lightning.tuner.lr_finder import _LRFinder

    finder = _LRFinder("exponential", rates[0], rates[-1], len(rates))
    kept = smoothed(losses, 0.98, 4.0)
    finder.results = {"lr": list(rates[: len(kept)]), "loss": kept}
    return finder.suggestion() or math.nan


def _fastai(rates: Sequence[float], losses: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    kept = np.array(smoothed(losses, 0.98, 4.0))
    return np.array(rates[: len(kept)])[len(rates) // 10 : -5], kept[len(rates) // 10 : -5]


def valley(rates: Sequence[float], losses: Sequence[float]) -> float:
    """Half way along the longest decreasing subsequence: a third of its length and a half of that from its start."""
    lrs, seen = _fastai(rates, losses)
    if not len(lrs):
        return math.nan
    lengths = [1] * len(seen)
    first, last = 0, 0
    for i in range(1, len(seen)):
        for j in range(i):
            if seen[i] < seen[j] and lengths[i] < lengths[j] + 1:
                lengths[i] = lengths[j] + 1
            if lengths[last] < lengths[i]:
                last, first = i, i - lengths[i]
    section = (last - first) / 3
    return float(lrs[first + int(section) + int(section / 2)])


def minimum(rates: Sequence[float], losses: Sequence[float]) -> float:
    lrs, seen = _fastai(rates, losses)
    return float(lrs[seen.argmin()]) / 10 if len(lrs) else math.nan


def steep(rates: Sequence[float], losses: Sequence[float]) -> float:
    lrs, seen = _fastai(rates, losses)
    return float(lrs[(np.diff(seen) / np.diff(np.log(lrs))).argmin()]) if len(lrs) > 1 else math.nan


def steepest(rates: Sequence[float], losses: Sequence[float]) -> float:
    kept = [losses[0]]
    for loss in losses[1:]:
        kept.append(0.05 * loss + 0.95 * kept[-1])
        if kept[-1] > 5 * min(kept):
            break
    if len(kept) < 17:
        return math.nan
    return rates[10 : len(kept) - 5][int(np.gradient(np.array(kept[10:-5])).argmin())]


RULES: dict[str, tuple[Callable[[Sequence[float], Sequence[float]], float], tuple[float, float]]] = {
    "Lightning": (lightning, (1e-8, 1.0)),
    "fastai valley": (valley, (1e-7, 10.0)),
    "fastai steep": (steep, (1e-7, 10.0)),
    "fastai minimum": (minimum, (1e-7, 10.0)),
    "torch-lr-finder": (steepest, (1e-7, 100.0)),
}


def suggestions(problem: Problem, copies: Copies, repeat: int) -> dict[str, tuple[float, int]]:
    """Each finder's rate (nan: none) and the steps it took."""
    taken = [0]

    def train(rates: Sequence[float], seed: int) -> list[float]:
        losses = copies.train(rates, 10 * repeat + seed)
        taken[0] += len(losses)
        return losses

    found = Search(train, copies.used, problem.steps).find()
    said = {"seatrial": (found.rate, taken[0])}
    taken[0] = 0
    said["seatrial/8"] = (Search(train, copies.used, problem.steps, longest=problem.steps // 8).find().rate, taken[0])
    curve = [loss for loss in found.swept.losses[0].tolist() if math.isfinite(loss)]
    rates = found.swept.rates.tolist()[: len(curve)]
    for name, (rule, (low, high)) in RULES.items():
        said[f"{name}, same"] = (rule(rates, curve), len(curve))
        own = np.geomspace(low, high, 100).tolist()
        losses = copies.train(own, 10 * repeat)
        said[f"{name}, own"] = (rule(own[: len(losses)], losses), len(losses))
    return said


def judged(name: str, problem: Problem, repeats: int) -> dict[str, list[tuple[float, float, int]]]:
    """For each finder and repeat: its rate, how many times the best loss it ends with, and the steps it took. Shown as it comes."""
    start = time.monotonic()
    truth = Truth(problem)
    best = f"best loss {truth.loss:.4g} at {truth.best:.2g}, within 5 % from {min(truth.good):.2g} to {max(truth.good):.2g}"
    print(f"{name}: {problem.steps} steps, {best}", flush=True)
    row: dict[str, list[tuple[float, float, int]]] = {}
    for repeat in range(repeats):
        for finder, (rate, taken) in suggestions(problem, truth.copies, repeat).items():
            row.setdefault(finder, []).append((rate, truth.ratio(rate), taken))
    for finder, each in row.items():
        print(f"    {finder:24} {'  '.join(f'{rate:.2g} ({ratio:.2f})' for rate, ratio, _ in each)}", flush=True)
    print(f"    {time.monotonic() - start:.0f} s", flush=True)
    return row


def table(rows: dict[str, dict[str, list[tuple[float, float, int]]]]) -> None:
    """What the finders did on all problems. Steps: as a multiple of those of the training that the rate is for."""
    steps = {name: make().steps for name, make in problems().items()}
    print(f"\n{len(rows)} problems {'':13}  wrong  always  no rate  median  worst  steps")
    for finder in next(iter(rows.values()), {}):
        each = [one for row in rows.values() for one in row[finder]]
        ratios = [ratio for _, ratio, _ in each]
        wrong, none = sum(ratio > WRONG for ratio in ratios), sum(not rate > 0 for rate, _, _ in each)
        always = sum(all(ratio > WRONG for _, ratio, _ in row[finder]) for row in rows.values())
        taken = median(taken / steps[name] for name, row in rows.items() for _, _, taken in row[finder])
        print(
            f"{finder:24} {wrong:3}/{len(each)} {always:7} {none:8} {median(ratios):7.2f} {max(ratios):6.3g} {taken:6.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="parts of the names of problems")
    parser.add_argument("--keep", type=Path, help="file to which a line of JSON is added for each problem")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, Any] = {}
    if given.keep and given.keep.exists():
        rows = dict(json.loads(line) for line in given.keep.read_text(encoding="utf-8").splitlines())
    for name, make in problems().items():
        if given.only and not any(word in name for word in given.only):
            continue
        with unchanged():
            rows[name] = judged(name, make(), given.repeats)
        if given.keep:
            with given.keep.open("a", encoding="utf-8") as kept:
                kept.write(json.dumps([name, rows[name]]) + "\n")
    table(rows)


if __name__ == "__main__":
    main()
