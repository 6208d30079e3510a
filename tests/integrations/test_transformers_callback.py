"""The callback in the Trainer of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

_reason = "transformers and accelerate are missing: pip install transformers accelerate"
pytest.importorskip("accelerate", reason=_reason)
transformers = pytest.importorskip("transformers", reason=_reason)

from seatrial.events import Losses  # noqa: E402
from seatrial.history import Run  # noqa: E402
from seatrial.integrations.transformers import SeatrialCallback  # noqa: E402
from seatrial.record import NAME, read  # noqa: E402
from seatrial.taps import listening  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class Rows(Dataset[dict[str, torch.Tensor]]):
    def __init__(self) -> None:
        self.x = torch.randn(320, 8, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, at: int) -> dict[str, torch.Tensor]:
        return {"x": self.x[at], "labels": self.x[at, :3].argmax()}


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
        self.seen: list[float] = []

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        scores = self.net(x)
        loss = nn.functional.cross_entropy(scores, labels)
        if self.training:
            self.seen.append(loss.item())
        return {"loss": loss, "logits": scores}


def fit(model: nn.Module, folder: Path, *callbacks: Any) -> None:
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "out"), num_train_epochs=2, per_device_train_batch_size=16, learning_rate=1e-2,
        report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True, use_cpu=True, seed=0,
    )  # fmt: skip
    transformers.Trainer(model, arguments, train_dataset=Rows(), callbacks=list(callbacks)).train()


def test_a_training_is_watched_and_stays_what_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = []
    callback = SeatrialCallback(tmp_path / "run", quiet=True)
    for callbacks in ((), (callback,)):
        torch.manual_seed(0)
        models.append(Classifier())
        fit(models[-1], tmp_path, *callbacks)
    assert models[0].seen == models[1].seen
    assert all(torch.equal(a, b) for a, b in zip(*(model.state_dict().values() for model in models), strict=True))
    run = Run.of(read(tmp_path / "run" / NAME))
    assert [value for event in run.every(Losses) for value in event.values] == pytest.approx(models[1].seen)
    assert [built.type for built in run.optimizers.values()] == ["AdamW"]
    assert callback.monitor.latest.update_ratio > 0
    assert callback.monitor.findings == ()
    assert listening() is None
