"""What monitoring costs: `seatrial.Monitor` and its Lightning callback beside Lightning's own callbacks and wandb.watch.

    python benchmarks/monitor.py [--steps 600] [--rounds 7] [--only NAME] [--network mlp]

Each row is a process of its own, in which equal blocks of steps of the same loop are trained without and with the monitor in
turn, after a first block of each (whose full looks, or first hooks, are shown apart, in seconds); the ratio is of CPU
time, the median of the rounds with the smallest and the largest. About four minutes in all, on a quiet machine.

    monitor     seatrial.Monitor around a hand-written loop: all figures of the report
    tensorboard the same with tensorboard=True
    wandb       wandb.watch(model, log="all", log_freq=100) in offline mode, and run.log of the loss: histograms of
                gradients and weights (`wandb-1000`: with its default frequency)
    lightning   pytorch_lightning's LearningRateMonitor and the norm of every gradient (lightning.utilities.grad_norm, logged in
                on_before_optimizer_step each `log_every_n_steps`, 50), with CSVLogger, over the Trainer with CSVLogger
    callback    SeatrialCallback in the same Trainer, over the same

wandb and pytorch_lightning are needed for their rows (pip install wandb pytorch-lightning); a row without is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

from cost import block, unwatched

ROWS = ("monitor", "tensorboard", "wandb", "wandb-1000", "lightning", "callback")
NETWORKS = ("mlp", "cnn", "transformer")
NEEDS = {
    "tensorboard": "tensorboard",
    "wandb": "wandb",
    "wandb-1000": "wandb",
    "lightning": "pytorch_lightning",
    "callback": "pytorch_lightning",
}
WARM = 600  # steps: by then the full looks of the beginning are over

Block = Callable[[int], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=ROWS)
    parser.add_argument("--network", choices=NETWORKS)
    parser.add_argument("--one", action="store_true")
    options = parser.parse_args()
    if options.one:
        measure(options.only, options.network, options.steps, options.rounds)
        return
    for network in [options.network] if options.network else NETWORKS:
        for row in [options.only] if options.only else ROWS:
            if row in NEEDS and importlib.util.find_spec(NEEDS[row]) is None:
                print(f"{network:12} {row:12} left out: {NEEDS[row]} is not installed")
                continue
            sizes = ["--steps", str(options.steps), "--rounds", str(options.rounds)]
            subprocess.run(
                [sys.executable, __file__, "--one", "--only", row, "--network", network, *sizes],
                env={**os.environ, "OMP_NUM_THREADS": "1", "WANDB_SILENT": "true"},
                check=True,
            )


def measure(row: str, network: str, steps: int, rounds: int) -> None:
    """One row: its loop without and with its monitor, by turns."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        if row in ("lightning", "callback"):
            first, usual, ratios = in_trainer(row, network, steps, rounds, folder)
            told = steps
        else:
            first, usual, ratios = by_hand(row, network, steps, rounds, folder)
            told = WARM
    print(
        f"{network:12} {row:12} with over without: median {statistics.median(ratios):.3f} "
        f"(from {min(ratios):.3f} to {max(ratios):.3f}); first {told} steps {first - usual:+.2f} s; "
        f"{1000 * usual / told:.2f} ms a step",
        flush=True,
    )


def by_hand(row: str, network: str, steps: int, rounds: int, folder: str) -> tuple[float, float, list[float]]:
    """Seconds of the first block with, of one without, and the ratios of the rounds."""
    without, with_it, close = (by_wandb if row.startswith("wandb") else by_us)(row, network, folder)
    usual = without(WARM)
    first = with_it(WARM)
    usual = min(usual, without(WARM))
    ratios = [with_it(steps) / without(steps) for _ in range(rounds)]
    close()
    return first, usual, ratios


# ---- the loops ---------------------------------------------------------------------------------------------------


class Loop:
    """A hand-written loop over fixed batches."""

    def __init__(self, network: str) -> None:
        self.model, self.batches = parts(network)
        import torch

        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.criterion = torch.nn.CrossEntropyLoss()
        self.count = 0
        self.log: Callable[[float], None] = lambda loss: None

    def step(self) -> None:
        """One step; the loss is read, as a loop that prints it does."""
        x, y = self.batches[self.count % len(self.batches)]
        self.count += 1
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        self.log(loss.item())


def parts(network: str) -> tuple[Any, list[Any]]:
    """A network of benchmarks/cost.py and twenty batches for it."""
    import cost

    found: list[Any] = []
    kept, cost._loop = (
        cost._loop,
        lambda model, inputs, targets: found.append((model, inputs, targets)) or (lambda: None),
    )
    try:
        getattr(cost, network)()
    finally:
        cost._loop = kept
    model, inputs, targets = found[0]
    return model, [(inputs(), targets()) for _ in range(20)]


def by_us(row: str, network: str, folder: str) -> tuple[Block, Block, Callable[[], None]]:
    """`seatrial.Monitor`; while the loop runs without, all that it patched is put back."""
    import seatrial

    plain = Loop(network)
    monitor = seatrial.Monitor(os.path.join(folder, "run"), quiet=True, tensorboard=row == "tensorboard").start()
    watched = Loop(network)
    return (
        lambda steps: unwatched(monitor._watch, plain.step, steps),
        lambda steps: block(watched.step, steps),
        monitor.stop,
    )


def by_wandb(row: str, network: str, folder: str) -> tuple[Block, Block, Callable[[], None]]:
    """`wandb.watch` in offline mode."""
    import wandb

    run = wandb.init(mode="offline", dir=folder, project="cost", settings=wandb.Settings(silent=True))
    plain, watched = Loop(network), Loop(network)
    run.watch(watched.model, log="all", log_freq=1000 if row == "wandb-1000" else 100)
    watched.log = lambda loss: run.log({"loss": loss})
    return lambda steps: block(plain.step, steps), lambda steps: block(watched.step, steps), run.finish


# ---- Lightning ---------------------------------------------------------------------------------------------------


def in_trainer(row: str, network: str, steps: int, rounds: int, folder: str) -> tuple[float, float, list[float]]:
    """One fit whose epochs are with and without by turns: seconds of the first with, of the first without, ratios."""
    import pytorch_lightning as pl
    from pytorch_lightning.loggers import CSVLogger
    from torch.utils.data import DataLoader

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    clock = clock_of(row, os.path.join(folder, "run"))
    trainer = pl.Trainer(
        max_epochs=2 * rounds + 2, accelerator="cpu", logger=CSVLogger(folder), enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=clock.callbacks,
    )  # fmt: skip
    module, data = module_of(network, clock)
    trainer.fit(module, DataLoader(data * (steps // len(data)), batch_size=None))
    times = clock.times
    return times[0], times[1], [times[at] / times[at + 1] for at in range(2, len(times), 2)]


def module_of(network: str, clock: Any) -> tuple[Any, list[Any]]:
    """The network as a LightningModule, and its batches."""
    import pytorch_lightning as pl
    import torch
    from pytorch_lightning.utilities import grad_norm

    class Module(pl.LightningModule):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: Any, number: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def on_before_optimizer_step(self, optimizer: Any) -> None:
            if clock.norms and self.trainer.global_step % 50 == 0:
                self.log_dict(grad_norm(self.model, norm_type=2))

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), lr=1e-3)

    model, data = parts(network)
    return Module(model), data


def clock_of(row: str, folder: str) -> Any:
    """A callback that times epochs and takes the monitor away in every second one."""
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import LearningRateMonitor

    from seatrial.integrations.lightning import SeatrialCallback

    theirs, ours = LearningRateMonitor(), SeatrialCallback(folder, quiet=True)

    class Clock(pl.Callback):
        def __init__(self) -> None:
            self.times: list[float] = []
            self.norms = False
            self.callbacks = [self, theirs if row == "lightning" else ours]
            self.back: Callable[[], None] = lambda: None

        def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
            having = len(self.times) % 2 == 0
            if row == "lightning":
                self.norms = having
                trainer.callbacks = [self, theirs] if having else [self]
            elif not having:
                self.back = away(ours.monitor._watch)
            self.start = time.process_time()

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            self.times.append(time.process_time() - self.start)
            self.back()
            self.back = lambda: None

    return Clock()


def away(watch: Any) -> Callable[[], None]:
    """Take all that was patched and hooked away; returns what puts it back."""
    from torch.optim import optimizer

    tables = (optimizer._global_optimizer_pre_hooks, optimizer._global_optimizer_post_hooks)
    hooks = [dict(table) for table in tables]
    ours = [(owner, name, vars(owner)[name]) for owner, name, _ in watch.patches._undo]
    for owner, name, original in reversed(watch.patches._undo):
        setattr(owner, name, original)
    for table in tables:
        table.clear()

    def back() -> None:
        for owner, name, our in ours:
            setattr(owner, name, our)
        for table, entries in zip(tables, hooks, strict=True):
            table.update(entries)

    return back


if __name__ == "__main__":
    main()
