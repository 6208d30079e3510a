"""The recommended schedule against all schedules after whole trainings, on small tasks with a known budget.

    python benchmarks/schedules.py [--seconds 300] [--seeds 5] [TASK ...]

`seatrial schedules` recommends from its probe (at most 600 steps of a fifth of the training). Then every schedule trains the task to its end,
with the same weights at the start and the same batches for each seed; the figure is the best epoch's validation loss, as a training
keeps it. Printed are the mean over seeds for each schedule and how much more the recommended one has than the best, in percent, with the
95 % interval of the paired differences (Student's). The best is picked after the fact, which favours it: where all schedules are equal the
recommended one is a little worse than the luckiest of eight. "within noise": the interval includes 0, or the difference is under 2 %;
few seeds make wide intervals, so that the differences themselves are counted too. Beside it the constant rate, which is what one has
without any advice, and the cosine, which is what most people take.

Of --seconds each task has its share: it has as many seeds as there is time for, 3 at the least.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
import torch
from scipy.stats import t as student
from sklearn.datasets import load_breast_cancer, load_digits
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import TensorDataset

from seatrial import Task
from seatrial.practice.annealing.advice import recommend
from seatrial.practice.annealing.schedules import KINDS, schedule
from seatrial.practice.tasks.digits import Reader

BATCH = 32
SLIGHT = 0.02
FEWEST_SEEDS = 3
PROBE_SECONDS = 5.0

Numbers = dict[str, list[float]]


def sgd(rate: float) -> Callable[[nn.Module], Optimizer]:
    return lambda model: torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)


def adam(rate: float) -> Callable[[nn.Module], Optimizer]:
    return lambda model: torch.optim.Adam(model.parameters(), lr=rate)


def digits(noise: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Handwritten digits, a share of them with a label drawn at random."""
    values, labels = load_digits(return_X_y=True)
    generator = torch.Generator().manual_seed(0)
    y = torch.tensor(labels)
    wrong = torch.rand(len(y), generator=generator) < noise
    y[wrong] = torch.randint(10, (int(wrong.sum()),), generator=generator)
    return torch.tensor(values / 8.0 - 1.0, dtype=torch.float32).reshape(-1, 1, 8, 8), y


def tumours() -> tuple[torch.Tensor, torch.Tensor]:
    values, labels = load_breast_cancer(return_X_y=True)
    x = torch.tensor((values - values.mean(0)) / values.std(0), dtype=torch.float32)
    return x, torch.tensor(labels)


def surface() -> tuple[torch.Tensor, torch.Tensor]:
    """A smooth function of eight numbers, with noise of half its spread."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1600, 8, generator=generator)
    clean = torch.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]
    return x, clean + 0.5 * clean.std() * torch.randn(1600, 1, generator=generator)


def flat(size: int, wide: int, out: int) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(size, wide), nn.ReLU(), nn.Linear(wide, wide), nn.ReLU(), nn.Linear(wide, out)
    )


def task_of(
    data: tuple[torch.Tensor, torch.Tensor],
    model: Callable[[], nn.Module],
    loss: nn.Module,
    optimizer: Callable[[nn.Module], Optimizer],
) -> Task:
    """A quarter of the data is for validation."""
    x, y = data
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    held_out, rest = order[: len(x) // 4], order[len(x) // 4 :]
    validation = TensorDataset(x[held_out], y[held_out])
    return Task(
        model, loss, TensorDataset(x[rest], y[rest]), validation=validation, optimizer=optimizer, batch_size=BATCH
    )


# name: the task and its epochs
TASKS: dict[str, tuple[Callable[[], Task], int]] = {
    "digits": (lambda: task_of(digits(), Reader, nn.CrossEntropyLoss(), sgd(0.02)), 8),
    "digits, wrong labels": (
        lambda: task_of(digits(0.2), flat(64, 64, 10), nn.CrossEntropyLoss(), adam(3e-3)),
        12,
    ),
    "tumours": (lambda: task_of(tumours(), flat(30, 32, 2), nn.CrossEntropyLoss(), sgd(0.05)), 20),
    "surface": (lambda: task_of(surface(), flat(8, 64, 1), nn.MSELoss(), adam(1e-2)), 20),
    "surface, few steps": (lambda: task_of(surface(), flat(8, 64, 1), nn.MSELoss(), sgd(0.02)), 2),
}


def trained(task: Task, name: str, epochs: int, seed: int) -> float:
    """The best epoch's validation loss of a whole training; inf where it was lost."""
    torch.manual_seed(seed)
    model = task.model()
    optimizer = task.optimizer(model)
    x, y = task.train.tensors
    steps = math.ceil(len(x) / BATCH)
    plan = schedule(name, optimizer, epochs * steps)
    best = math.inf
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            task.loss(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
            if plan.every == "step":
                plan.scheduler.step()
        with torch.no_grad():
            held_out = float(task.loss(model(task.validation.tensors[0]), task.validation.tensors[1]))
        if plan.every == "epoch":
            plan.scheduler.step(held_out)
        best = min(best, held_out) if math.isfinite(held_out) else best
    return best


def excess(figures: Numbers, name: str) -> tuple[str, float, float]:
    """The best schedule, and how much more loss another one has, in percent of the best, with half the interval's width."""
    best = min(figures, key=lambda each: float(np.mean(figures[each])))
    level = float(np.mean(figures[best]))
    pairs = np.array(figures[name]) - np.array(figures[best])
    half = float(student.ppf(0.975, len(pairs) - 1)) * float(pairs.std(ddof=1)) / math.sqrt(len(pairs))
    return best, 100 * float(pairs.mean()) / level, 100 * half / level


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=list(TASKS), help=", ".join(TASKS))
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.monotonic()
    print(f"{'':22}" + "".join(f"{name:>12}" for name in KINDS), flush=True)
    within: dict[str, list[tuple[float, bool]]] = {"recommended": [], "constant": [], "cosine": []}
    for number, name in enumerate(options.tasks, 1):
        make, epochs = TASKS[name]
        task = make()
        advice = recommend(task, epochs=epochs, seconds=PROBE_SECONDS)
        figures: Numbers = {kind: [] for kind in KINDS}
        for seed in range(options.seeds):
            for kind in KINDS:
                figures[kind].append(trained(task, kind, epochs, seed))
            if seed + 1 >= FEWEST_SEEDS and time.monotonic() > start + options.seconds * number / len(options.tasks):
                break
        print(f"{name:22}" + "".join(f"{np.mean(figures[kind]):12.4f}" for kind in KINDS), flush=True)
        words = f"{advice.steps} steps, {len(figures['constant'])} seeds"
        for label, found in within.items():
            kind = advice.schedule if label == "recommended" else label
            best, more, half = excess(figures, kind)
            found.append((more, more < 100 * SLIGHT or more <= half))
            words += f"; {label}{f' ({kind})' if kind != label else ''} {more:+.1f} ± {half:.1f} %"
        print(f"{'':22}  {words}; best {best}", flush=True)
    for label, found in within.items():
        noise = sum(fine for _, fine in found)
        print(
            f"{label:12} within noise of the best in {noise} of {len(found)}, median {np.median([more for more, _ in found]):+.1f} %"
        )


if __name__ == "__main__":
    main()
