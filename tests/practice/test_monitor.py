"""A hand-written loop is watched from within: its result stays bit for bit the same, and torch is given back."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import seatrial
from seatrial.errors import UsageProblem
from seatrial.events import Losses, NotLookedAt, RunEnded, RunStarted
from seatrial.history import Run
from seatrial.record import NAME, read
from seatrial.taps import listening


def network() -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Dropout(0.1), nn.Flatten(), nn.Linear(8 * 36, 16), nn.Tanh()]
    model = nn.Sequential(*layers, nn.Linear(16, 4))
    return model, torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)


def loop(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 40) -> list[float]:
    losses = []
    for _ in range(steps):
        x, y = torch.randn(16, 1, 8, 8), torch.randint(4, (16,))
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def patched() -> dict[str, object]:
    """What taps replace."""
    owners = (nn.Module, torch.optim.Optimizer, torch.Tensor, torch.autograd, nn.functional)
    return {f"{owner.__name__}.{name}": value for owner in owners for name, value in vars(owner).items()}


def test_the_training_is_the_same_and_torch_is_given_back(tmp_path: Path) -> None:
    before = patched()
    plain, optimizer = network()
    losses = loop(plain, optimizer)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    random.setstate(states[0])
    model, optimizer = network()
    with seatrial.Monitor(tmp_path, quiet=True) as monitor:
        assert loop(model, optimizer) == losses
        monitor.plot()
        assert monitor.latest.step == 40
        assert torch.equal(torch.get_rng_state(), states[2])
    assert all(torch.equal(a, b) for a, b in zip(plain.state_dict().values(), model.state_dict().values(), strict=True))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states[:2]
    assert listening() is None
    after = patched()
    assert {name for name in before if after.get(name) is not before[name]} == set()


def test_what_is_left_and_what_is_known(tmp_path: Path) -> None:
    model, optimizer = network()
    with seatrial.Monitor(tmp_path / "run", quiet=True) as monitor:
        losses = loop(model, optimizer)
        latest = monitor.latest
    run = Run.of(read(tmp_path / "run" / NAME))
    assert (tmp_path / "run" / "report.html").exists()
    assert (tmp_path / "run" / "findings.json").exists()
    assert run.ended is not None
    assert run.ended.status == "completed"
    assert run.started is not None
    assert run.started.within
    assert [value for event in run.every(Losses) for value in event.values] == losses
    assert not run.every(NotLookedAt)
    assert monitor.findings == ()
    assert latest.loss == losses[-1]
    assert latest.rates == {"optimizer 0, group 0": 1e-3}
    assert latest.expected_ratio[0] <= latest.update_ratio * 1.5
    assert latest.update_ratio <= latest.expected_ratio[1] * 1.5
    assert set(latest.gradient_norms) == {"0.weight", "4.weight", "6.weight"}
    assert list(latest.dead) == ["Sequential.1"]
    assert list(latest.saturated) == ["Sequential.5"]
    assert list(latest.smoothness) == ["0.weight"]


def test_asking_for_figures_changes_nothing_in_the_record(tmp_path: Path) -> None:
    kept = []
    for asked in (False, True):
        model, optimizer = network()
        with seatrial.Monitor(tmp_path / str(asked), quiet=True) as monitor:
            for _ in range(4):
                loop(model, optimizer, 5)
                if asked:
                    monitor.latest  # noqa: B018
        run = Run.of(read(tmp_path / str(asked) / NAME))
        kept.append((run.losses, [(each.first, each.repeats, each.calls) for each in run.turns]))
    assert kept[0] == kept[1]


def test_before_anything_was_trained_nothing_is_known(tmp_path: Path) -> None:
    with seatrial.Monitor(tmp_path, quiet=True) as monitor:
        assert monitor.latest.step == 0
        assert monitor.latest.rates == {}
        monitor.plot()


def test_a_failure_of_the_loop_stays_the_same_failure(tmp_path: Path) -> None:
    failure = ValueError("the loop's own")
    with pytest.raises(ValueError, match="the loop's own") as caught, seatrial.Monitor(tmp_path, quiet=True):
        loop(*network(), 3)
        raise failure
    assert caught.value is failure
    run = Run.of(read(tmp_path / NAME))
    assert run.ended is not None
    assert (run.ended.status, run.ended.exception) == ("failed", "ValueError: the loop's own")
    assert listening() is None


def test_a_failure_of_ours_is_told_and_the_program_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("seatrial.practice.monitor.write", broken)
    with seatrial.Monitor(tmp_path, quiet=True):
        loop(*network(), 3)
    assert "no report could be made (OSError: the disk is full)" in capsys.readouterr().err
    assert listening() is None


def test_interrupted_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), seatrial.Monitor(tmp_path, quiet=True):
        loop(*network(), 3)
        raise KeyboardInterrupt
    run = Run.of(read(tmp_path / NAME))
    assert run.ended is not None
    assert run.ended.status == "interrupted"
    assert (tmp_path / "report.html").exists()


def test_within_another_watch_nothing_is_recorded_twice(tmp_path: Path) -> None:
    model, optimizer = network()
    with seatrial.Monitor(tmp_path / "outer", quiet=True) as outer:
        before = loop(model, optimizer, 10)
        with seatrial.Monitor(tmp_path / "inner", quiet=True) as inner:
            losses = loop(model, optimizer, 10)
            assert inner.latest.loss == losses[-1]
            assert inner.latest.rates == {"optimizer 0, group 0": 1e-3}
        assert inner.folder is None
        assert inner.findings == ()
        losses += loop(model, optimizer, 10)
    assert not (tmp_path / "inner").exists()
    run = Run.of(read(tmp_path / "outer" / NAME))
    assert [value for event in run.every(Losses) for value in event.values] == before + losses
    assert len(run.every(RunStarted)) == len(run.every(RunEnded)) == 1
    assert outer.folder == tmp_path / "outer"


def test_one_after_the_other(tmp_path: Path) -> None:
    model, optimizer = network()
    for name in ("a", "b"):
        with seatrial.Monitor(tmp_path / name, quiet=True):
            loop(model, optimizer, 10)
        assert Run.of(read(tmp_path / name / NAME)).ticks == 10


def test_of_several_processes_the_first_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with seatrial.Monitor(tmp_path / "run") as monitor:
        assert monitor.latest.step == 0
    assert not (tmp_path / "run").exists()


def test_a_folder_of_other_things_is_refused_before_anything_is_watched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UsageProblem, match="out-not-empty"), seatrial.Monitor(tmp_path):
        pass
    assert listening() is None


def test_a_seed_that_was_set_before_is_not_missed(tmp_path: Path) -> None:
    torch.manual_seed(0)
    with seatrial.Monitor(tmp_path, quiet=True) as monitor:
        loop(*network(), 60)
    assert "loop.unseeded-run" not in [each.name for each in monitor.findings]


def test_tensorboard_reads_what_was_heard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is missing: pip install seatrial[tensorboard]")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    model, optimizer = network()
    with seatrial.Monitor(tmp_path, quiet=True, tensorboard=True):
        losses = loop(model, optimizer)
    board = EventAccumulator(str(tmp_path), size_guidance={"scalars": 0, "images": 0}).Reload()
    (name,) = [tag for tag in board.Tags()["scalars"] if tag.startswith("loss/training")]
    assert [each.value for each in board.Scalars(name)] == pytest.approx(losses)
    assert [each.step for each in board.Scalars(name)] == list(range(40))
    assert "update over weights/median" in board.Tags()["scalars"]
    assert len(board.Images("filters/0.weight")) == 3
    image = board.Images("filters/0.weight")[0]
    assert (image.width, image.height) == (11, 11)  # eight filters of 3 x 3, three in a row, a pixel apart
