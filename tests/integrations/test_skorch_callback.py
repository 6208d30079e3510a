"""The callback in skorch's nets."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

skorch = pytest.importorskip("skorch", reason="skorch is missing: pip install seatrial[skorch]")

from sklearn.base import clone  # noqa: E402

from seatrial.events import Losses  # noqa: E402
from seatrial.history import Run  # noqa: E402
from seatrial.integrations.skorch import SeatrialCallback  # noqa: E402
from seatrial.record import NAME, read  # noqa: E402
from seatrial.taps import listening  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.randn(320, 8, generator=torch.Generator().manual_seed(0)).numpy()
Y = X[:, :3].argmax(axis=1).astype(np.int64)


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


def fit(*callbacks: Any) -> Any:
    torch.manual_seed(0)
    net = skorch.NeuralNetClassifier(
        Classifier, criterion=nn.CrossEntropyLoss, lr=0.1, optimizer__momentum=0.9, batch_size=16, max_epochs=2,
        iterator_train__shuffle=True, verbose=0, callbacks=list(callbacks),
    )  # fmt: skip
    return net.fit(X, Y)


def test_a_fit_is_watched_and_stays_what_it_is(tmp_path: Path) -> None:
    callback = SeatrialCallback(tmp_path / "run", quiet=True)
    plain, monitored = fit(), fit(callback)
    states = [net.module_.state_dict().values() for net in (plain, monitored)]
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    run = Run.of(read(tmp_path / "run" / NAME))
    assert sum(len(event.values) for event in run.every(Losses)) == 32
    assert [built.type for built in run.optimizers.values()] == ["SGD"]
    assert callback.monitor_.findings == ()
    assert listening() is None


def test_a_net_that_was_watched_is_cloned_and_pickled(tmp_path: Path) -> None:
    net = fit(SeatrialCallback(tmp_path / "run", quiet=True))
    again = clone(net).set_params(max_epochs=1).fit(X, Y)
    assert len(again.history) == 1
    assert np.array_equal(pickle.loads(pickle.dumps(net)).predict(X), net.predict(X))
    assert listening() is None
