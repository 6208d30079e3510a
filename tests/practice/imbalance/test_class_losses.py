"""Losses and weights are those of the papers, in double precision, in whatever form a model answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from seatrial.practice.imbalance.answers import Answers
from seatrial.practice.imbalance.losses import ClassLoss, DiceLoss, effective_number, inverse_frequency

DRAW = torch.Generator().manual_seed(0)
COUNTS = np.array([70, 25, 5])
Y = torch.randint(0, 3, (40,), generator=DRAW)
LOGITS = torch.randn(40, 3, generator=DRAW, dtype=torch.float64)
MANY = Answers("multiclass", 3, "logits", False)
ONE = Answers("binary", 2, "logits", True)


def test_inverse_frequencies_are_scikit_learns_balanced_weights():
    labels = np.repeat([0, 1, 2], COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert inverse_frequency(COUNTS) == pytest.approx(expected, rel=1e-12)
    assert inverse_frequency(np.array([9, 0, 1]))[1] == 0


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.9999])
def test_effective_numbers_are_the_papers(beta):
    expected = np.array([(1 - beta) / (1 - beta**count) for count in COUNTS])
    found = effective_number(COUNTS, beta)
    assert found / found[0] == pytest.approx(expected / expected[0], rel=1e-9)
    assert (found * COUNTS).sum() / COUNTS.sum() == pytest.approx(1)
    assert effective_number(COUNTS, 1e-9) == pytest.approx(np.ones(3))  # no overlap, no weights
    assert effective_number(COUNTS, 1 - 1e-9) == pytest.approx(inverse_frequency(COUNTS), rel=1e-5)


def test_a_weighted_loss_is_the_mean_of_weighted_losses():
    weights = inverse_frequency(COUNTS)
    expected = functional.cross_entropy(LOGITS, Y, torch.tensor(weights), reduction="sum") / len(Y)
    assert float(ClassLoss(MANY, weights)(LOGITS, Y)) == pytest.approx(float(expected), rel=1e-12)


def test_a_batch_of_one_class_feels_its_weight():
    """Torch's weighted mean would not: it divides by the weights."""
    alone = torch.zeros(8, dtype=torch.long)
    weights = inverse_frequency(COUNTS)
    ratio = ClassLoss(MANY, weights)(LOGITS[:8], alone) / ClassLoss(MANY)(LOGITS[:8], alone)
    assert float(ratio) == pytest.approx(weights[0])


def test_the_adjusted_loss_is_equation_10_of_the_paper():
    shares = COUNTS / COUNTS.sum()
    right = LOGITS.gather(1, Y[:, None])
    terms = torch.tensor(shares)[None] / torch.tensor(shares)[Y][:, None] * (LOGITS - right).exp()
    others = terms.sum(1) - 1  # the right class's own term is 1
    assert float(ClassLoss(MANY, offset=np.log(shares))(LOGITS, Y)) == pytest.approx(float((1 + others).log().mean()), rel=1e-12)  # fmt: skip


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_the_focal_loss_of_one_logit_is_that_of_torchvision(gamma):
    """torchvision.ops.sigmoid_focal_loss with alpha < 0, its lines written out."""
    z, y = LOGITS[:, 0], (Y > 0).double()
    p = torch.sigmoid(z)
    ce = functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    p_t = p * y + (1 - p) * (1 - y)
    expected = (ce * (1 - p_t) ** gamma).mean()
    assert float(ClassLoss(ONE, gamma=gamma)(z, y)) == pytest.approx(float(expected), rel=1e-12)
    p = LOGITS.softmax(1).gather(1, Y[:, None])[:, 0]
    assert float(ClassLoss(MANY, gamma=gamma)(LOGITS, Y)) == pytest.approx(float((-((1 - p) ** gamma) * p.log()).mean()), rel=1e-12)  # fmt: skip


def test_gradients_of_certain_answers_are_numbers():
    for gamma in (0.5, 2.0):
        z = torch.tensor([[60.0, -60.0], [-60.0, 60.0]], requires_grad=True)
        ClassLoss(Answers("binary", 2, "logits", False), gamma=gamma)(z, torch.tensor([0, 0])).backward()
        assert z.grad is not None and torch.isfinite(z.grad).all()


@pytest.mark.parametrize("single", [True, False])
def test_the_form_of_the_answer_makes_no_difference(single):
    weights, offset = np.array([0.6, 5.0]), np.log([0.9, 0.1])
    z, y = 3 * LOGITS[:, 0], (Y > 0).long()
    two = torch.stack([torch.zeros_like(z), z], 1)
    shares = z.sigmoid() if single else two.softmax(1)
    forms = {"logits": z[:, None] if single else two, "probabilities": shares[:, None] if single else shares}
    if not single:
        forms["log-probabilities"] = two.log_softmax(1)
    targets = y[:, None].double() if single else y
    found = [
        float(ClassLoss(Answers("binary", 2, form, single), weights, offset, 2.0)(output, targets))  # pyright: ignore[reportArgumentType]
        for form, output in forms.items()
    ]
    assert found == pytest.approx([found[0]] * len(found), rel=1e-9)


def test_smoothing_and_what_is_ignored_are_torchs():
    answers = Answers("segmentation", 3, "logits", False, 255)
    y = torch.randint(0, 3, (2, 4, 4), generator=DRAW)
    y[0, :2] = 255
    z = torch.randn(2, 3, 4, 4, generator=DRAW, dtype=torch.float64)
    expected = functional.cross_entropy(z, y, ignore_index=255, label_smoothing=0.1)
    assert float(ClassLoss(answers, smoothing=0.1)(z, y)) == pytest.approx(float(expected), rel=1e-12)


def test_dice_is_that_of_the_paper_for_each_class_that_is_there():
    answers = Answers("segmentation", 4, "logits", False, 255)
    y = torch.randint(0, 3, (2, 5, 5), generator=DRAW)
    y[1, 0] = 255
    z = torch.randn(2, 4, 5, 5, generator=DRAW, dtype=torch.float64)
    p, valid = z.softmax(1).numpy(), (y != 255).numpy()
    dice = []
    for each in range(3):  # the fourth does not occur
        mine, truth = p[:, each][valid], (y.numpy() == each)[valid]
        dice.append(2 * (mine * truth).sum() / ((mine**2).sum() + (truth**2).sum()))
    assert float(DiceLoss(answers)(z, y)) == pytest.approx(1 - np.mean(dice), abs=1e-6)
    perfect = 50 * functional.one_hot(y.where(y != 255, 0), 4).movedim(-1, 1).double()
    assert float(DiceLoss(answers)(perfect, y)) == pytest.approx(0, abs=1e-6)


def test_dice_of_one_logit_a_pixel():
    one = Answers("segmentation", 2, "logits", True)
    z = torch.randn(3, 1, 4, 4, generator=DRAW, dtype=torch.float64)
    y = (torch.rand(3, 1, 4, 4, generator=DRAW) > 0.7).float()
    two = Answers("segmentation", 2, "logits", False)
    both = torch.cat([torch.zeros_like(z), z], 1)
    assert float(DiceLoss(one)(z, y)) == pytest.approx(float(DiceLoss(two)(both, y[:, 0].long())), rel=1e-12)
