"""Seeds are heard, generators are never drawn from, and what moved is told."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from seatrial.events import GeneratorUsed, SeedSet
from seatrial.taps import seeds


def at_the_end(heard: Any) -> dict[str, GeneratorUsed]:
    heard.watch.finish()
    return {used.generator: used for used in heard.all(GeneratorUsed)}


def draw() -> None:
    torch.rand(1)
    random.random()
    np.random.rand()


def states() -> tuple[Any, ...]:
    return torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()


def test_seeds_are_told_with_their_line(listen: Callable[..., Any]) -> None:
    heard = listen(seeds.install)
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    seen = heard.all(SeedSet)
    assert [(seed.generator, seed.seeded) for seed in seen] == [("torch", True), ("random", True), ("numpy", True)]
    assert {seed.where.function for seed in seen} == {"test_seeds_are_told_with_their_line"}


def test_seeding_from_the_system_is_no_seed(listen: Callable[..., Any]) -> None:
    heard = listen(seeds.install)
    torch.seed()
    random.seed()
    np.random.seed(None)
    np.random.default_rng()
    np.random.default_rng(seed=3)
    assert [seed.seeded for seed in heard.all(SeedSet)] == [False, False, False, False, True]
    assert not any(used.seeded for used in at_the_end(heard).values())


@pytest.mark.parametrize("seeded", [True, False])
@pytest.mark.parametrize("drawn", [True, False])
def test_what_moved_is_told(listen: Callable[..., Any], seeded: bool, drawn: bool) -> None:
    heard = listen(seeds.install)
    if seeded:
        torch.manual_seed(7)
        random.seed("a word")
        np.random.seed(7)
    if drawn:
        draw()
    ends = at_the_end(heard)
    assert set(ends) == {"torch", "random", "numpy"}
    assert {(used.moved, used.moved_before_seed) for used in ends.values()} == {(drawn, False)}
    # The test runner may have seeded numpy and random itself, before we listened.
    assert ends["torch"].seeded == seeded
    assert not seeded or all(used.seeded for used in ends.values())


def test_draws_before_the_seed_are_told(listen: Callable[..., Any]) -> None:
    heard = listen(seeds.install)
    draw()
    torch.manual_seed(0)
    random.seed(0)
    ends = at_the_end(heard)
    assert ends["torch"].moved_before_seed
    assert ends["random"].moved_before_seed
    assert not ends["torch"].moved


def test_a_library_that_draws_is_not_the_user(listen: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    heard = listen(seeds.install)
    random.random()
    random.seed(0)
    random.random()
    monkeypatch.setattr(seeds, "draws", lambda _: [])
    used = at_the_end(heard)["random"]
    assert (used.moved, used.moved_before_seed, used.where) == (False, False, None)


def test_a_seed_from_before_we_listened_is_found_out(listen: Callable[..., Any]) -> None:
    number = 20240917
    random.seed(number)
    np.random.seed(number)
    ends = at_the_end(listen(seeds.install))
    assert ends["random"].seeded
    assert ends["numpy"].seeded


def test_numbers_are_those_without_us(listen: Callable[..., Any]) -> None:
    def numbers() -> tuple[Any, ...]:
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)
        draw()
        return *states(), np.random.default_rng(4).random()

    expected = numbers()
    heard = listen(seeds.install)
    assert numbers() == expected
    before = states()
    heard.watch.finish()
    assert states() == before
    assert np.random.RandomState.__module__ == "numpy.random.mtrand"
