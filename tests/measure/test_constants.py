"""The best constant prediction against closed forms and against SciPy's minimisers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy import optimize, special
from torch import Tensor
from torch.nn import functional

from seatrial.measure.constants import best_constant

GENERATOR = torch.Generator().manual_seed(0)
LABELS = torch.multinomial(torch.tensor([0.7, 0.2, 0.08, 0.02, 0.0]), 300, replacement=True, generator=GENERATOR)
SOFT = torch.softmax(3 * torch.randn(40, 4, generator=GENERATOR), 1)
WEIGHT = torch.tensor([0.2, 1.0, 3.0, 5.0, 1.0])
SCORES = torch.zeros(300, 5)
HEAVY = torch.randn(201, 3, generator=GENERATOR) ** 3 + torch.tensor([0.0, 5.0, -2.0])
BINARY = (torch.rand(100, 3, generator=GENERATOR) < torch.tensor([0.1, 0.5, 0.9])).float()
COUNTS = torch.poisson(torch.tensor([0.5, 3.0, 20.0]).expand(100, 3), generator=GENERATOR)


def entropy(frequencies: Tensor) -> float:
    return float(special.entr(frequencies.double().numpy()).sum())


def least(function: Callable[[np.ndarray], float], start: np.ndarray) -> float:
    """The least value that SciPy finds, by a method without gradients."""
    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 40000, "maxfev": 40000, "adaptive": True}
    first = optimize.minimize(function, start, method="Nelder-Mead", options=options)
    return float(optimize.minimize(function, first.x, method="Nelder-Mead", options=options).fun)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("frequencies", [[1, 1, 1], [90, 9, 1], [100, 0, 0], [5, 0, 7]])
def test_cross_entropy_is_the_entropy_of_the_prior(frequencies: list[int], known: bool) -> None:
    counts = torch.tensor(frequencies)
    labels = torch.repeat_interleave(torch.arange(3), counts)
    found = best_constant(
        lambda o: functional.cross_entropy(o, labels),
        torch.zeros(len(labels), 3),
        labels,
        "cross_entropy" if known else "",
    )
    assert found is not None
    assert found.value == pytest.approx(entropy(counts / counts.sum()), abs=1e-6)
    assert (found.how == "class frequencies") == known


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"ignore_index": 1},
        {"weight": WEIGHT},
        {"label_smoothing": 0.1},
        {"label_smoothing": 0.2, "weight": WEIGHT, "ignore_index": 0},
    ],
)
def test_cross_entropy_with_settings(settings: dict[str, Any]) -> None:
    def loss(outputs: Tensor) -> Tensor:
        given = {key: value.to(outputs) if isinstance(value, Tensor) else value for key, value in settings.items()}
        return functional.cross_entropy(outputs, LABELS, **given)

    found = best_constant(loss, SCORES, LABELS, "cross_entropy", settings)
    assert found is not None
    assert found.how == "class frequencies"
    reference = least(
        lambda free: float(loss(torch.tensor(free).expand(300, 5))), np.array([0.5, 0.0, -1.0, -2.0, -5.0])
    )
    assert found.value == pytest.approx(reference, abs=2e-5)
    assert found.value <= reference + 1e-9


def test_soft_targets_and_pixels() -> None:
    found = best_constant(lambda o: functional.cross_entropy(o, SOFT.to(o)), torch.zeros(40, 4), SOFT, "cross_entropy")
    assert found is not None
    assert found.value == pytest.approx(entropy(SOFT.mean(0)), abs=1e-6)
    pixels = LABELS.reshape(3, 10, 10)
    found = best_constant(
        lambda o: functional.cross_entropy(o, pixels), torch.zeros(3, 5, 10, 10), pixels, "cross_entropy"
    )
    assert found is not None
    assert found.value == pytest.approx(entropy(torch.bincount(LABELS, minlength=5).double() / 300), abs=1e-9)
    assert found.answer.shape == (1, 5, 1, 1)


def test_nll_and_kl_answer_with_normalised_log_probabilities() -> None:
    found = best_constant(lambda o: functional.nll_loss(o, LABELS), SCORES, LABELS, "nll_loss")
    assert found is not None
    assert found.value == pytest.approx(entropy(torch.bincount(LABELS, minlength=5).double() / 300), abs=1e-9)
    assert float(found.answer.exp().sum()) == pytest.approx(1)
    found = best_constant(
        lambda o: functional.kl_div(o, SOFT.to(o), reduction="batchmean"), torch.zeros(40, 4), SOFT, "kl_div"
    )
    expected = entropy(SOFT.mean(0)) - np.mean([entropy(row) for row in SOFT])
    assert found is not None
    assert found.value == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("known", [True, False])
def test_squared_error_is_the_variance(known: bool) -> None:
    found = best_constant(
        lambda o: functional.mse_loss(o, HEAVY), torch.zeros(201, 3), HEAVY, "mse_loss" if known else ""
    )
    assert found is not None
    assert found.value == pytest.approx(float(HEAVY.double().var(0, correction=0).mean()), rel=1e-9)
    assert found.answer.flatten().tolist() == pytest.approx(HEAVY.mean(0).tolist(), rel=1e-4)


@pytest.mark.parametrize("known", [True, False])
def test_absolute_error_is_the_distance_to_the_median(known: bool) -> None:
    found = best_constant(
        lambda o: functional.l1_loss(o, HEAVY), torch.zeros(201, 3), HEAVY, "l1_loss" if known else ""
    )
    assert found is not None
    expected = np.abs(HEAVY.double().numpy() - np.median(HEAVY.double().numpy(), 0)).mean()
    assert found.value == pytest.approx(float(expected), rel=1e-6)
    assert found.how == ("median" if known else "fitted")


@pytest.mark.parametrize("delta", [0.1, 1.0, 10.0])
def test_huber_and_smooth_l1_against_scipy(delta: float) -> None:
    values = HEAVY.double().numpy()
    expected = np.mean(
        [
            optimize.minimize_scalar(lambda at, c=column: special.huber(delta, c - at).mean(), bounds=(-20, 20)).fun
            for column in values.T
        ]
    )
    found = best_constant(
        lambda o: functional.huber_loss(o, HEAVY.to(o), delta=delta), torch.zeros(201, 3), HEAVY, "huber_loss"
    )
    smooth = best_constant(lambda o: functional.smooth_l1_loss(o, HEAVY.to(o), beta=delta), torch.zeros(201, 3), HEAVY)
    assert found is not None
    assert smooth is not None
    assert found.value == pytest.approx(float(expected), rel=1e-6)
    assert smooth.value == pytest.approx(float(expected) / delta, rel=1e-6)


def test_binary_cross_entropy_is_the_entropy_of_each_frequency() -> None:
    frequencies = BINARY.mean(0).double()
    expected = float(np.mean([entropy(torch.stack([p, 1 - p])) for p in frequencies]))
    logits = best_constant(
        lambda o: functional.binary_cross_entropy_with_logits(o, BINARY.to(o)),
        torch.zeros(100, 3),
        BINARY,
        "binary_cross_entropy_with_logits",
    )
    shares = best_constant(
        lambda o: functional.binary_cross_entropy(o, BINARY.to(o)), torch.zeros(100, 3), BINARY, "binary_cross_entropy"
    )
    assert logits is not None
    assert shares is not None
    assert logits.value == pytest.approx(expected, abs=1e-6)
    assert shares.value == pytest.approx(expected, abs=1e-6)
    assert shares.answer.flatten().tolist() == pytest.approx(frequencies.tolist(), abs=1e-6)


def test_binary_cross_entropy_with_weights_of_the_positive() -> None:
    weight = torch.tensor([9.0, 1.0, 0.1])

    def loss(outputs: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(outputs, BINARY.to(outputs), pos_weight=weight.to(outputs))

    known = best_constant(loss, torch.zeros(100, 3), BINARY, "binary_cross_entropy_with_logits", {"pos_weight": weight})
    assert known is not None
    assert known.how == "frequencies"
    reference = least(lambda free: float(loss(torch.tensor(free).expand(100, 3))), np.zeros(3))
    assert known.value == pytest.approx(reference, abs=1e-8)


@pytest.mark.parametrize("log_input", [True, False])
def test_poisson(log_input: bool) -> None:
    mean = COUNTS.double().mean(0)
    expected = float((mean - mean * torch.log(mean)).mean())
    found = best_constant(
        lambda o: functional.poisson_nll_loss(o, COUNTS.to(o), log_input=log_input),
        torch.zeros(100, 3),
        COUNTS,
        "poisson_nll_loss",
        {"log_input": log_input},
    )
    assert found is not None
    assert found.value == pytest.approx(expected, abs=1e-6)


def test_losses_that_have_no_name() -> None:
    """A quantile loss (kinks), a focal loss, a sum of two, in place, with outputs of float32 alone."""
    column = HEAVY[:, :1].double()

    def pinball(outputs: Tensor) -> Tensor:
        missed = column - outputs
        return torch.maximum(0.9 * missed, -0.1 * missed).mean()

    found = best_constant(pinball, torch.zeros(201, 1), column)
    expected = min(float(pinball(value.expand(201, 1))) for value in column)
    assert found is not None
    assert found.value == pytest.approx(expected, rel=1e-6)

    def focal(outputs: Tensor) -> Tensor:
        surprise = functional.cross_entropy(outputs, LABELS, reduction="none")
        return ((1 - torch.exp(-surprise)) ** 2 * surprise).sum() * 3

    found = best_constant(focal, SCORES, LABELS, "cross_entropy")
    assert found is not None
    reference = least(lambda free: float(focal(torch.tensor(free).expand(300, 5))), np.array([2.0, 0, -1, -2, -6]))
    assert found.how == "fitted"
    assert found.value <= reference + 1e-3

    def ridged(outputs: Tensor) -> Tensor:
        return outputs.sub_(HEAVY.to(outputs)).square().mean() + 0.5

    found = best_constant(ridged, torch.zeros(201, 3), HEAVY, "mse_loss")
    assert found is not None
    assert found.value == pytest.approx(float(HEAVY.double().var(0, correction=0).mean()) + 0.5, rel=1e-9)

    def single(outputs: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(outputs, BINARY)

    found = best_constant(single, torch.zeros(100, 3), BINARY)
    assert found is not None
    assert found.value == pytest.approx(
        float(np.mean([entropy(torch.stack([p, 1 - p])) for p in BINARY.mean(0)])), abs=1e-5
    )


def test_a_loss_without_a_least_value_has_no_best_constant() -> None:
    """Log-probabilities that need not be normalised; a critic's mean. With the right form there is one."""
    assert best_constant(lambda o: functional.nll_loss(o, LABELS), SCORES) is None
    assert best_constant(lambda o: -o.mean(), torch.zeros(9, 1)) is None
    found = best_constant(
        lambda o: functional.nll_loss(o, LABELS), SCORES, form=lambda free: torch.log_softmax(free, 1)
    )
    assert found is not None
    assert found.value == pytest.approx(entropy(torch.bincount(LABELS, minlength=5).double() / 300), abs=1e-6)


def test_axes_say_what_the_answer_may_depend_on() -> None:
    """A sequence model's scores [examples, positions, classes]: one prior for all positions, or one for each."""
    labels = torch.tensor([0, 1]).repeat(20, 3)
    outputs = torch.zeros(20, 6, 2)

    def loss(outputs: Tensor) -> Tensor:
        return functional.cross_entropy(outputs.reshape(-1, 2), labels.reshape(-1))

    one = best_constant(loss, outputs, labels, axes=[-1])
    each = best_constant(loss, outputs, labels)
    assert one is not None
    assert one.value == pytest.approx(math.log(2), abs=1e-9)
    assert each is not None
    assert each.value == pytest.approx(0, abs=1e-6)
