"""What watching costs: the same training loops, unwatched and watched, in turn within one process.

    python benchmarks/cost.py [--steps 300] [--rounds 9]

Per network: the median ratio of the time of equal blocks of steps (unwatched, watched, unwatched, ...), where the watched
block comes after the first recorded steps; these and the writing of the report are shown apart, in seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

Step = Callable[[], None]


def mlp() -> Step:
    """A small multilayer perceptron on 64 features."""
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    return _loop(model, lambda: torch.randn(64, 64), lambda: torch.randint(10, (64,)))


def cnn() -> Step:
    """A convolutional network on images of digits' size."""
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 16, 10),
    )
    return _loop(model, lambda: torch.randn(64, 1, 8, 8), lambda: torch.randint(10, (64,)))


def lstm() -> Step:
    """An LSTM that classifies sequences."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.out = nn.LSTM(8, 64, batch_first=True), nn.Linear(64, 5)

        def forward(self, x: Any) -> Any:
            return self.out(self.rnn(x)[0][:, -1])

    return _loop(Net(), lambda: torch.randn(32, 30, 8), lambda: torch.randint(5, (32,)))


def transformer() -> Step:
    """A small transformer encoder."""
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(40, 48)
            layer = nn.TransformerEncoderLayer(48, 4, 96, dropout=0.1, batch_first=True)
            self.body, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(48, 5)

        def forward(self, x: Any) -> Any:
            return self.out(self.body(self.embed(x)).mean(1))

    return _loop(Net(), lambda: torch.randint(40, (32, 24)), lambda: torch.randint(5, (32,)))


def _loop(model: Any, inputs: Callable[[], Any], targets: Callable[[], Any]) -> Step:
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = torch.nn.CrossEntropyLoss()
    batches = [(inputs(), targets()) for _ in range(20)]
    count = 0

    def step() -> None:
        nonlocal count
        x, y = batches[count % 20]
        count += 1
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        loss.item()

    return step


def block(step: Step, steps: int) -> float:
    """CPU seconds of so many steps."""
    start = time.process_time()
    for _ in range(steps):
        step()
    return time.process_time() - start


def unwatched(watch: Any, step: Step, steps: int, timed: Callable[[Step, int], float] = block) -> float:
    """What `timed` gives for so many steps with all that was patched and hooked taken away for the time being."""
    from torch.optim import optimizer

    hooks = (optimizer._global_optimizer_pre_hooks, optimizer._global_optimizer_post_hooks)
    kept = [dict(table) for table in hooks]
    for table in hooks:
        table.clear()
    try:
        return watch.patches.without(timed)(step, steps)
    finally:
        for table, entries in zip(hooks, kept, strict=True):
            table.update(entries)


def measure(name: str, steps: int, rounds: int) -> None:
    """One network, watched and unwatched by turns. While it is unwatched, everything that was patched is put back."""
    import torch

    import seatrial.taps as taps

    torch.manual_seed(0)
    torch.set_num_threads(1)
    make: Callable[[], Step] = globals()[name]
    plain = make()
    block(plain, 50)
    events: list[Any] = []
    ratios: list[float] = []
    watch = taps.install(events.append)
    watched = make()
    first = block(watched, 100)
    usual = unwatched(watch, plain, 100)
    for _ in range(rounds):
        with_it = block(watched, steps)
        ratios.append(with_it / unwatched(watch, plain, steps))
    print(
        f"{name:12} watched over unwatched: median {statistics.median(ratios):.3f} "
        f"(from {min(ratios):.3f} to {max(ratios):.3f}); first 100 steps {first - usual:+.2f} s; "
        f"{1000 * usual / 100:.2f} ms a step"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--one")
    options = parser.parse_args()
    if options.one:
        measure(options.one, options.steps, options.rounds)
        return
    for name in ("mlp", "cnn", "lstm", "transformer"):
        subprocess.run(
            [sys.executable, __file__, "--one", name, "--steps", str(options.steps), "--rounds", str(options.rounds)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            check=True,
        )


if __name__ == "__main__":
    main()
