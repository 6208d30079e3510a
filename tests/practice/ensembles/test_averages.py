"""Averages of weights are those of torch.optim.swa_utils, go on after an interruption, and get their own batch statistics."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, TensorDataset

from seatrial import Task
from seatrial.practice.ensembles.averages import Averaging, averaged, averages_in, plan
from seatrial.practice.ensembles.renewing import renew
from seatrial.practice.made import Made

STEPS, EACH = 40, 5


class Partly(nn.Module):
    """A parameter that gets a gradient from the tenth step on only, and one that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.late, self.frozen = nn.Linear(4, 8), nn.Linear(8, 2), nn.Linear(8, 2)
        self.frozen.requires_grad_(False)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        hidden = torch.tanh(self.first(x))
        return self.frozen(hidden) + (self.late(hidden) if self.calls > 10 else 0)


OPTIMIZERS = {
    "sgd": lambda model: torch.optim.SGD(model.parameters(), lr=0.1),
    "adam": lambda model: torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01),
}


@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_averages_are_torchs_own(name: str, interrupted: bool) -> None:
    torch.manual_seed(0)
    model = Partly()
    optimizer = OPTIMIZERS[name](model)
    how = Averaging(decay=0.9, swa_from=30, swa_every=EACH)
    ema, swa = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9)), AveragedModel(model)
    plain = copy.deepcopy(model)
    plain_optimizer = OPTIMIZERS[name](plain)
    batches = [(torch.randn(16, 4), torch.randint(0, 2, (16,))) for _ in range(STEPS)]
    for at, (x, y) in enumerate(batches):
        for each, its in ((model, optimizer), (plain, plain_optimizer)):
            its.zero_grad()
            nn.functional.cross_entropy(each(x), y).backward()
            if each is model:
                with averaged(how):
                    its.step()
            else:
                its.step()
        ema.update_parameters(model)
        if at + 1 > 30 and (at + 1) % EACH == 0:
            swa.update_parameters(model)
        if interrupted and at == 33:
            file = io.BytesIO()
            torch.save(optimizer.state_dict(), file)
            file.seek(0)
            optimizer = OPTIMIZERS[name](model)
            optimizer.load_state_dict(torch.load(file, weights_only=True))
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), plain.parameters(), strict=True))
    for key, reference in (("ema", ema), ("swa", swa)):
        expected = dict(zip(model.parameters(), reference.parameters(), strict=True))
        found = averages_in(optimizer, key)
        assert len(found) == 4  # all but the frozen ones
        assert all(torch.allclose(average, expected[p], atol=1e-6) for p, average in found)


def test_the_reach_of_the_average_follows_the_length_of_the_training() -> None:
    how = plan(1000, 100)
    assert how.decay == pytest.approx(0.99) and (how.swa_from, how.swa_every) == (750, 100)
    assert plan(3, 3).decay == 0.0  # of a training of three steps: the last weights


def test_batch_statistics_are_torchs_own_over_the_training_data() -> None:
    torch.manual_seed(1)
    data = TensorDataset(3 + 2 * torch.randn(64, 4), torch.randint(0, 2, (64,)))
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    reference = copy.deepcopy(model)
    task = Task(lambda: model, nn.CrossEntropyLoss(), data, batch_size=64)
    state = torch.get_rng_state()
    renew(task, Made(model, task.loss, torch.optim.SGD(model.parameters(), lr=0.1)))
    assert torch.equal(state, torch.get_rng_state()) and not model.training
    update_bn(DataLoader(data, batch_size=64), reference)
    for (_, found), (_, expected) in zip(model.named_buffers(), reference.named_buffers(), strict=True):
        assert torch.allclose(found.float(), expected.float(), atol=1e-5)
    assert model[1].momentum == 0.1
    few = copy.deepcopy(model)
    task = Task(lambda: few, nn.CrossEntropyLoss(), data, batch_size=8)
    renew(task, Made(few, task.loss, torch.optim.SGD(few.parameters(), lr=0.1)), batches=2)
    assert few[1].num_batches_tracked == 2
