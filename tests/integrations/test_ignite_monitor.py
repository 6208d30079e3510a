"""The monitor of ignite's engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ignite = pytest.importorskip("ignite.engine", reason="pytorch-ignite is missing: pip install seatrial[ignite]")

from seatrial.events import Losses  # noqa: E402
from seatrial.history import Run  # noqa: E402
from seatrial.integrations.ignite import attach  # noqa: E402
from seatrial.practice.monitor import Monitor  # noqa: E402
from seatrial.record import NAME, read  # noqa: E402
from seatrial.taps import listening  # noqa: E402


def make() -> tuple[Any, nn.Module, DataLoader[Any]]:
    torch.manual_seed(0)
    x = torch.randn(256, 8)
    loader = DataLoader(TensorDataset(x, x[:, :3].argmax(1)), 16, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return ignite.create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss()), model, loader


def watched(folder: Path) -> tuple[Any, nn.Module, DataLoader[Any], Monitor]:
    trainer, model, loader = make()
    return trainer, model, loader, attach(trainer, folder, quiet=True)


def test_a_run_is_watched_and_stays_what_it_is(tmp_path: Path) -> None:
    trainer, model, loader = make()
    trainer.run(loader, max_epochs=2)
    again, other, loader, monitor = watched(tmp_path / "run")
    again.run(loader, max_epochs=2)
    states = [each.state_dict().values() for each in (model, other)]
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    run = Run.of(read(tmp_path / "run" / NAME))
    assert sum(len(event.values) for event in run.every(Losses)) == 32
    assert monitor.findings == ()
    assert listening() is None


def test_a_failure_ends_the_watch_and_is_raised(tmp_path: Path) -> None:
    trainer, _, loader, _ = watched(tmp_path / "run")

    @trainer.on(ignite.Events.ITERATION_COMPLETED(once=7))
    def fail() -> None:
        raise RuntimeError("training fails")

    with pytest.raises(RuntimeError, match="training fails"):
        trainer.run(loader, max_epochs=2)
    ended = Run.of(read(tmp_path / "run" / NAME)).ended
    assert ended is not None
    assert ended.status == "failed"
    assert listening() is None


def test_a_failure_that_the_program_handles_stays_handled(tmp_path: Path) -> None:
    trainer, _, loader, _ = watched(tmp_path / "run")
    handled: list[BaseException] = []

    @trainer.on(ignite.Events.ITERATION_COMPLETED(once=7))
    def fail() -> None:
        raise RuntimeError("training fails")

    trainer.add_event_handler(ignite.Events.EXCEPTION_RAISED, handled.append)
    trainer.run(loader, max_epochs=2)
    assert len(handled) == 1
    assert listening() is None


def test_a_run_that_is_terminated_is_reported(tmp_path: Path) -> None:
    trainer, _, loader, monitor = watched(tmp_path / "run")
    trainer.add_event_handler(
        ignite.Events.ITERATION_COMPLETED(once=20), lambda: trainer.terminate(skip_completed=True)
    )
    trainer.run(loader, max_epochs=2)
    assert monitor.verdict is not None
    assert listening() is None
