"""State dicts: a live one that is used after the weights moved is told, a copy is not."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from seatrial.events import Checkpoint, StateKept
from seatrial.taps import checkpoints


@pytest.fixture
def heard(listen: Callable[..., Any]) -> Any:
    return listen(checkpoints.install)


def model() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def train(net: nn.Module, heard: Any) -> None:
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    net(torch.randn(4, 2)).sum().backward()
    optimizer.step()
    heard.watch.tick += 1


KEPT: dict[str, Callable[[nn.Module], Any]] = {
    "as it is": lambda net: net.state_dict(),
    "shallow copy": lambda net: copy.copy(net.state_dict()),
    "dict": lambda net: {name: value.cpu() for name, value in net.state_dict().items()},
    "views": lambda net: {name: value.detach() for name, value in net.state_dict().items()},
    "parameters": lambda net: {name: value.data for name, value in (*net.named_parameters(), *net.named_buffers())},
}
COPIED: dict[str, Callable[[nn.Module], Any]] = {
    "deepcopy": lambda net: copy.deepcopy(net.state_dict()),
    "clone": lambda net: {name: value.clone() for name, value in net.state_dict().items()},
}


@pytest.mark.parametrize("way", KEPT)
def test_a_live_state_loaded_after_training_is_aliased(heard: Any, way: str) -> None:
    net = model()
    best = KEPT[way](net)
    train(net, heard)
    net.load_state_dict(best)
    seen = heard.one(StateKept)
    assert (seen.use, seen.aliased, seen.model, seen.used_model) == ("loaded", True, 0, 0)
    assert seen.used_where.function == "test_a_live_state_loaded_after_training_is_aliased"
    if way != "parameters":
        assert seen.where.function == "<lambda>"


@pytest.mark.parametrize("way", COPIED)
def test_a_copy_is_not(heard: Any, way: str) -> None:
    net = model()
    best = COPIED[way](net)
    train(net, heard)
    net.load_state_dict(best)
    heard.watch.finish()
    assert heard.all(StateKept) == []


def test_a_state_handed_to_another_model_at_once_is_fresh(heard: Any) -> None:
    net, target = model(), model()
    target.load_state_dict(net.state_dict())
    seen = heard.one(StateKept)
    assert (seen.aliased, seen.model, seen.used_model) == (False, heard.watch.models.of(net), 1 - seen.model)


def test_a_live_state_saved_after_training_is_aliased(heard: Any) -> None:
    net = model()
    best = {"model": net.state_dict(), "epoch": 3}
    train(net, heard)
    torch.save(best, io.BytesIO())
    assert (heard.one(StateKept).use, heard.one(StateKept).aliased) == ("saved", True)


def test_a_state_saved_at_once_is_not_told_even_if_it_is_kept(heard: Any) -> None:
    net = model()
    state = net.state_dict()
    torch.save(state, io.BytesIO())
    train(net, heard)
    heard.watch.finish()
    assert heard.all(StateKept) == []
    assert state


def test_a_live_state_still_kept_at_the_end_is_told(heard: Any) -> None:
    net = model()
    best, dropped = net.state_dict(), net.state_dict()
    del dropped
    train(net, heard)
    heard.watch.finish()
    assert (heard.one(StateKept).use, heard.one(StateKept).aliased) == ("kept", True)
    assert best


def test_files_are_told_with_their_keys(heard: Any, tmp_path: Path) -> None:
    file = tmp_path / "last.pt"
    torch.save({"model": {}, "epoch": 1}, file)
    torch.load(file)
    torch.save([1], f=io.BytesIO())
    saved, loaded, listed = heard.all(Checkpoint)
    assert (saved.action, saved.file, saved.keys) == ("save", str(file), ("model", "epoch"))
    assert (loaded.action, loaded.file, loaded.keys) == ("load", str(file), ("model", "epoch"))
    assert (listed.file, listed.keys) == ("BytesIO", ())


def test_what_is_loaded_into_is_told(heard: Any) -> None:
    net = model()
    optimizer = torch.optim.Adam(net.parameters())
    inner = [lr_scheduler.ConstantLR(optimizer), lr_scheduler.StepLR(optimizer, 3)]
    schedule = lr_scheduler.SequentialLR(optimizer, inner, [2])
    net.load_state_dict(copy.deepcopy(net.state_dict()))
    optimizer.load_state_dict(optimizer.state_dict())
    schedule.load_state_dict(schedule.state_dict())
    torch.amp.GradScaler("cpu").load_state_dict(torch.amp.GradScaler("cpu").state_dict())
    assert [detail for detail, _ in heard.calls("load")] == ["model", "optimizer", "scheduler", "scaler"]


def test_states_are_what_they_are_without_us(listen: Callable[..., Any]) -> None:
    net = model()
    expected = net.state_dict()
    stored = io.BytesIO()
    torch.save(expected, stored)
    listen(checkpoints.install)
    state, again = net.state_dict(), io.BytesIO()
    torch.save(state, again)
    assert list(state) == list(expected)
    assert state._metadata == expected._metadata
    assert again.getvalue() == stored.getvalue()
    assert net.state_dict(prefix="net.")["net.0.weight"].data_ptr() == net.get_parameter("0.weight").data_ptr()
