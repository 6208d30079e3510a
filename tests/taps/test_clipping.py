"""Clipping: what was given is counted truthfully and clipped as before."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch.nn import utils
from torch.nn.utils import clip_grad

from seatrial.events import Clips
from seatrial.taps import clipping


def parameters(count: int = 3, without: int = 1) -> list[torch.nn.Parameter]:
    made = [torch.nn.Parameter(torch.ones(2)) for _ in range(count)]
    for parameter in made[without:]:
        parameter.grad = torch.full((2,), 3.0)
    return made


def clips(heard: Any) -> Clips:
    heard.watch.flush()
    return heard.one(Clips)


WAYS: list[Callable[[list[Any]], Iterable[Any]]] = [list, iter, tuple, lambda these: (one for one in these)]


@pytest.mark.parametrize("way", WAYS)
def test_norms_are_kept_however_parameters_are_given(
    listen: Callable[..., Any], way: Callable[[list[Any]], Iterable[Any]]
) -> None:
    heard = listen(clipping.install)
    these = parameters()
    norm = utils.clip_grad_norm_(way(these), max_norm=1.0)
    assert float(norm) == pytest.approx(6.0)
    assert these[1].grad is not None
    assert these[1].grad[0] == pytest.approx(0.5)
    seen = clips(heard)
    assert (seen.tensors, seen.with_gradient, seen.bound) == (3, 2, 1.0)
    assert seen.norms == (pytest.approx(6.0),)
    assert seen.parameters == tuple(heard.watch.parameters.of(one) for one in these)
    assert heard.calls("clip") == [("norm 1", 1)]


def test_an_exhausted_iterator_clips_nothing_and_is_told(listen: Callable[..., Any]) -> None:
    heard = listen(clipping.install)
    used = iter(parameters())
    list(used)
    utils.clip_grad_norm_(used, 1.0)
    assert (clips(heard).tensors, heard.calls("clip")) == (0, [("norm 1", 1)])


def test_an_empty_generator_warns_as_it_does_without_us(listen: Callable[..., Any]) -> None:
    listen(clipping.install)
    with pytest.warns(UserWarning, match="empty generator") as caught:
        utils.clip_grad_norm_((one for one in ()), 1.0)
    assert caught[0].filename == __file__


def test_values_and_given_norms_are_heard(listen: Callable[..., Any]) -> None:
    heard = listen(clipping.install)
    these = parameters()
    clip_grad.clip_grad_value_(these, clip_value=0.5)
    utils.clip_grads_with_norm_(these, 0.1, torch.tensor(2.0))
    heard.watch.flush()
    value, norm = heard.all(Clips)
    assert value.bound == 0.5
    assert math.isnan(value.norms[0])
    assert (norm.bound, norm.norms) == (pytest.approx(0.1), (2.0,))
    assert heard.calls("clip") == [("value 0.5", 1), ("norm 0.1", 1)]


def test_a_single_tensor_may_be_given_by_name(listen: Callable[..., Any]) -> None:
    heard = listen(clipping.install)
    utils.clip_grad_norm_(parameters=parameters()[2], max_norm=100)
    assert (clips(heard).tensors, clips(heard).with_gradient) == (1, 1)


def test_errors_are_torchs_own(listen: Callable[..., Any]) -> None:
    heard = listen(clipping.install)
    with pytest.raises(TypeError, match="max_norm"):
        utils.clip_grad_norm_(parameters())  # pyright: ignore[reportCallIssue]
    these = parameters()
    assert these[1].grad is not None
    these[1].grad.fill_(math.inf)
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_(these, 1.0, error_if_nonfinite=True)
    assert heard.calls("clip") == []


def test_all_names_of_a_function_stay_the_same_function(listen: Callable[..., Any]) -> None:
    signature = inspect.signature(utils.clip_grad_norm_)
    listen(clipping.install)
    assert utils.clip_grad_norm_ is clip_grad.clip_grad_norm_
    assert inspect.signature(utils.clip_grad_norm_) == signature


def test_new_parameters_have_new_numbers(listen: Callable[..., Any]) -> None:
    heard = listen(clipping.install)
    first, second = parameters(), parameters()
    utils.clip_grad_norm_(first, 1.0)
    utils.clip_grad_norm_(second, 2.0)
    heard.watch.flush()
    assert [clip.parameters for clip in heard.all(Clips)] == [(0, 1, 2), (3, 4, 5)]
