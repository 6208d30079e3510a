"""What outputs mean is told by loss, targets and values; and the probabilities are those of torch's own functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import Subset, TensorDataset

from seatrial.errors import UsageProblem
from seatrial.practice.predicting.outputs import meaning
from seatrial.practice.predicting.predicting import predict
from seatrial.practice.task import Task

DRAW = torch.Generator().manual_seed(0)
LOGITS = torch.randn(8, 3, generator=DRAW)
CLASSES = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
SOFT = LOGITS.softmax(1)


@pytest.mark.parametrize(
    ("outputs", "loss", "expected"),
    [
        (LOGITS, nn.CrossEntropyLoss(), SOFT),
        (LOGITS, functional.cross_entropy, SOFT),
        (LOGITS.log_softmax(1), nn.NLLLoss(), SOFT),
        (LOGITS.log_softmax(1), lambda o, y: functional.nll_loss(o, y), SOFT),
        (LOGITS, lambda o, y: functional.cross_entropy(o, y), SOFT),
        (SOFT, lambda o, y: functional.nll_loss(o.log(), y), SOFT),
    ],
)
def test_probabilities_over_classes(outputs, loss, expected):
    found = meaning(outputs, CLASSES, loss)
    assert found.kind == "multiclass" and found.probabilities is not None
    assert torch.allclose(found.probabilities(outputs), expected, atol=1e-6)


BITS = torch.tensor([0.0, 1, 1, 0, 1, 0, 0, 1])


@pytest.mark.parametrize(
    ("outputs", "targets", "loss", "kind"),
    [
        (LOGITS[:, 0], BITS, nn.BCEWithLogitsLoss(), "binary"),
        (LOGITS[:, :1], BITS[:, None], nn.BCEWithLogitsLoss(), "binary"),
        (LOGITS[:, :2], BITS.long(), nn.CrossEntropyLoss(), "binary"),
        (LOGITS[:, 0].sigmoid(), BITS, nn.BCELoss(), "binary"),
        (LOGITS, functional.one_hot(CLASSES).float(), nn.BCEWithLogitsLoss(), "multilabel"),
        (LOGITS, functional.one_hot(CLASSES).float(), nn.CrossEntropyLoss(), "multiclass"),
        (LOGITS[:, 0], BITS, nn.MSELoss(), "regression"),
        (LOGITS[:, 0], torch.randn(8, generator=DRAW), lambda o, y: (o - y).abs().mean(), "regression"),
        (LOGITS, torch.randn(8, 3, generator=DRAW), functional.huber_loss, "regression"),
        (torch.randn(8, 3, 4, 4), torch.zeros(8, 4, 4).long(), nn.CrossEntropyLoss(), "segmentation"),
        (torch.randn(8, 1, 4, 4), torch.zeros(8, 1, 4, 4), nn.BCEWithLogitsLoss(), "segmentation"),
        (torch.randn(8, 5, 7), torch.zeros(8, 7).long(), nn.CrossEntropyLoss(), "segmentation"),
    ],
)
def test_the_kind_of_answer(outputs, targets, loss, kind):
    assert meaning(outputs, targets, loss).kind == kind


def test_what_fits_nothing_is_refused():
    with pytest.raises(UsageProblem, match="predict-outputs"):
        meaning(torch.randn(8, 4), torch.randn(8, 3), nn.MSELoss())


def test_a_table_of_a_subset_knows_its_examples_and_leaves_no_trace():
    inputs = torch.randn(20, 4, generator=DRAW)
    data = TensorDataset(inputs, torch.randint(0, 3, (20,), generator=DRAW))
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))
    model[1].eval()  # a part that is frozen stays so
    before = {name: value.clone() for name, value in model.state_dict().items()}
    part = Subset(Subset(data, range(5, 20)), [0, 3, 7])
    task = Task(lambda: model, nn.CrossEntropyLoss(), data, batch_size=2, name="net")
    state = torch.get_rng_state()
    found = predict(task, model, part, data_name="some")
    assert torch.equal(torch.get_rng_state(), state)
    assert found.ids.tolist() == [5, 8, 12] and (found.model, found.data) == ("net", "some")
    expected = model.eval()(inputs[[5, 8, 12]]).softmax(1).detach().numpy()
    model.train()
    model[1].eval()
    predict(task, model, part)
    assert model[0].training and not model[1].training
    assert np.allclose(found.scores, expected, atol=1e-6)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_pixels_are_counted_without_those_that_are_ignored():
    outputs = torch.zeros(2, 3, 2, 2)
    outputs[:, 1] = 5.0
    targets = torch.tensor([[[1, 1], [0, 2]], [[1, 255], [255, 0]]])
    data = TensorDataset(outputs, targets)
    task = Task(nn.Linear(2, 2), nn.CrossEntropyLoss(ignore_index=255), data, batch_size=2)
    found = _identity(task, data)
    assert found.kind == "segmentation"
    assert found.scores[0].tolist() == [[0, 1, 0], [0, 2, 0], [0, 1, 0]]
    assert found.scores[1].sum() == 2 and found.targets[1].tolist() == [1, 1, 0]


def _identity(task: Task, data: TensorDataset):
    class Same(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.scale

    return predict(task, Same(), data)
