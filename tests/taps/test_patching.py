"""A replacement cannot be told from what it replaces."""

from __future__ import annotations

import inspect
import pickle
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional

from seatrial.taps import losses, scripting
from seatrial.taps.patching import Patches


def through(original: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    return call


@pytest.fixture
def patches() -> Any:
    made = Patches()
    yield made
    made.restore()


def test_signature_name_and_pickle_stay(patches: Patches) -> None:
    before = inspect.signature(functional.mse_loss)
    original = functional.mse_loss
    patches.wrap(functional, "mse_loss", through)
    assert functional.mse_loss is not original
    assert inspect.signature(functional.mse_loss) == before
    assert pickle.loads(pickle.dumps(functional.mse_loss)) is functional.mse_loss
    patches.restore()
    assert functional.mse_loss is original


def test_a_warning_names_the_line_of_the_caller(patches: Patches) -> None:
    patches.wrap(functional, "mse_loss", through)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        functional.mse_loss(torch.zeros(3, 1), torch.zeros(3))
    assert caught[0].filename == __file__


def test_what_reads_source_finds_the_originals(patches: Patches) -> None:
    owner = SimpleNamespace()
    module = vars(functional)
    original = module["mse_loss"]
    patches.wrap(functional, "mse_loss", through)
    owner.seen = patches.without(lambda: functional.mse_loss)()
    assert owner.seen is original
    assert functional.mse_loss is not original


class Scripted(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 3)
        self.loss = torch.nn.CrossEntropyLoss()

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.loss(self.layer(inputs), targets) + functional.mse_loss(inputs, inputs)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_models_with_losses_can_be_scripted(listen: Any) -> None:
    heard = listen(lambda watch: losses.install(watch, lambda *_: None), scripting.install)
    scripted = torch.jit.script(Scripted())
    assert scripted(torch.zeros(2, 3), torch.zeros(2, dtype=torch.long)).ndim == 0

    def doubled(value: torch.Tensor) -> torch.Tensor:
        return helper(value) * 2

    def helper(value: torch.Tensor) -> torch.Tensor:
        return value + 1

    assert torch.jit.script(doubled)(torch.ones(1)).item() == 4
    assert heard.watch.on
