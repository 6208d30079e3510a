"""The callback in Lightning's own Trainer."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

lightning = pytest.importorskip(
    "pytorch_lightning", reason="pytorch-lightning is missing: pip install seatrial[lightning]"
)

from seatrial.events import EvaluationPass, Losses  # noqa: E402
from seatrial.history import Run  # noqa: E402
from seatrial.integrations.lightning import SeatrialCallback  # noqa: E402
from seatrial.record import NAME, read  # noqa: E402
from seatrial.taps import listening  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class Classifier(lightning.LightningModule):
    def __init__(self, fails_at: int = -1) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
        self.fails_at = fails_at
        self.seen: list[float] = []

    def training_step(self, batch, number):
        if number == self.fails_at:
            raise RuntimeError("training fails")
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.seen.append(loss.item())
        return loss

    def validation_step(self, batch, number):
        return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)


def fit(model: Classifier, folder: Path, *callbacks: lightning.Callback) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(320, 8, generator=generator)
    data = TensorDataset(x[:256], x[:256, :3].argmax(1))
    held_out = TensorDataset(x[256:], x[256:, :3].argmax(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lightning.Trainer(
            max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=folder, callbacks=list(callbacks),
        ).fit(model, DataLoader(data, 16, shuffle=True, generator=generator), DataLoader(held_out, 64))  # fmt: skip


def test_a_fit_is_watched_and_stays_what_it_is(tmp_path: Path) -> None:
    models = []
    callback = SeatrialCallback(tmp_path / "run", quiet=True)
    for callbacks in ((), (callback,)):
        torch.manual_seed(0)
        models.append(Classifier())
        fit(models[-1], tmp_path, *callbacks)
    assert models[0].seen == models[1].seen
    assert all(torch.equal(a, b) for a, b in zip(*(model.state_dict().values() for model in models), strict=True))
    run = Run.of(read(tmp_path / "run" / NAME))
    assert [value for event in run.every(Losses) for value in event.values] == models[1].seen
    assert [built.type for built in run.optimizers.values()] == ["SGD"]
    assert len(run.every(EvaluationPass)) >= 2
    assert callback.monitor.latest.update_ratio > 0
    assert callback.monitor.findings == ()
    assert listening() is None


def test_a_failure_ends_the_watch(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="training fails"):
        fit(Classifier(fails_at=7), tmp_path, SeatrialCallback(tmp_path / "run", quiet=True))
    run = Run.of(read(tmp_path / "run" / NAME))
    assert run.ended is not None
    assert run.ended.status == "failed"
    assert run.ticks == 7
    assert listening() is None
