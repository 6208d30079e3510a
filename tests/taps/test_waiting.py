"""No ordinary step waits for a device.

There is no device here: the taps are told that every tensor lies on one (`is_cpu` is false), and all that would have to wait
for it is counted, by operation under a dispatch mode and by the methods that read memory past it. What a watched program
waits for beyond what it waits for by itself is seatrial's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from seatrial import taps
from seatrial.events import Look, NotLookedAt
from seatrial.step import unheard
from seatrial.taps.recording import SKETCHED_TURNS

STEPS = 320
# The number that one element holds; equality of two tensors; results whose shape depends on values.
WAITING = (
    "_local_scalar_dense equal is_nonzero nonzero masked_select _unique2 unique_dim bincount _to_cpu "
    "repeat_interleave.Tensor histc _pin_memory".split()
)
READING = ("tolist", "numpy", "cpu", "__array__")


class Waits(TorchDispatchMode):
    """Counts; `at` is the step that is made."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0
        self.found: dict[int, list[str]] = {}

    def note(self, name: str) -> None:
        self.found.setdefault(self.at, []).append(name)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = str(func).removeprefix("aten.")
        copied = name.startswith("_to_copy") and kwargs.get("device") is not None
        by_mask = name.startswith("index.") and any(
            each is not None and each.dtype in (torch.bool, torch.uint8) for each in args[1]
        )
        if name in WAITING or name.split(".")[0] in WAITING or copied or by_mask:
            self.note(name)
        return func(*args, **kwargs)


class Program:
    """Classification with dropout, batch normalisation, clipping, a scaler, two schedules and a running total, all of it
    on the device, batches too."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 4))
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3, foreach=True)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        self.schedules = [
            torch.optim.lr_scheduler.LinearLR(self.optimizer, total_iters=50),
            torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, STEPS),
        ]
        self.x, self.y = torch.randn(256, 16), torch.randint(4, (256,))
        self.total = torch.zeros(())

    def step(self, number: int) -> None:
        rows = slice(32 * (number % 8), 32 * (number % 8) + 32)
        self.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = functional.cross_entropy(self.model(self.x[rows]), self.y[rows])
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        for schedule in self.schedules:
            schedule.step()
        self.total += loss.detach()


@pytest.fixture
def on_a_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[Waits]:
    waits = Waits()
    monkeypatch.setattr(unheard, "_dispatch_modes", lambda: 0)  # what is ours is to be heard by the mode
    monkeypatch.setattr(torch.Tensor, "is_cpu", property(lambda tensor: False))
    for name in READING:
        monkeypatch.setattr(torch.Tensor, name, _counted(waits, name, getattr(torch.Tensor, name)))
    yield waits


def _counted(waits: Waits, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def read(*args: Any, **kwargs: Any) -> Any:
        waits.note(name)
        return original(*args, **kwargs)

    return read


def made(waits: Waits, program: Program, steps: int) -> dict[int, list[str]]:
    """What was waited for, by step."""
    waits.found = {}
    for number in range(steps):
        waits.at = number
        with waits:
            program.step(number)
    return waits.found


def test_the_count_itself_sees_what_waits(on_a_device: Waits) -> None:
    x = torch.arange(3.0)
    with on_a_device:
        for read in (x.sum, lambda: x[x > 0], x.nonzero, lambda: x.to("meta"), lambda: x[[0, 1]]):
            read()
        assert [name.split(".")[0] for name in on_a_device.found[0]] == ["index", "nonzero", "_to_copy"]
        for read in (lambda: float(x[0]), lambda: bool(x[1]), x[2].item, lambda: torch.equal(x, x), x.unique):
            read()
        assert len(on_a_device.found[0]) == 8
        for read in (x.tolist, x.numpy, x.cpu):
            read()
    assert on_a_device.found[0][8:] == ["tolist", "numpy", "cpu"]


def test_no_ordinary_step_waits(on_a_device: Waits) -> None:
    # By itself, in every step: the scaler asks whether anything has overflowed, Adam reads its count of steps (which does
    # lie on the CPU where the parameters do not).
    (usual,) = {len(names) for names in made(on_a_device, Program(), 8).values()}
    events: list[Any] = []
    watch = taps.install(events.append)
    watched = made(on_a_device, Program(), STEPS)
    on_a_device.at = STEPS
    watch.finish()
    assert watch.optimizer_steps == STEPS
    assert [event for event in events if isinstance(event, NotLookedAt)] == []

    own = {at: len(names) - usual for at, names in watched.items() if at < STEPS}
    waiting = {at for at, count in own.items() if count}
    looked = {event.tick - 1 for event in events if isinstance(event, Look)}  # the tick is over when an optimizer steps
    looks = looked | {step - 1 for step in looked}  # a look begins at the end of the step before
    assert looks & waiting, "looks wait: if none did, this would count nothing"
    later = set(range(SKETCHED_TURNS, STEPS - 1))  # at the end of the last step a look may begin
    ordinary = later - looks
    assert len(ordinary) > 0.9 * len(later)
    # Losses and norms of clipping are read 256 at a time.
    assert waiting & ordinary == {255}
    assert own[255] == 2
