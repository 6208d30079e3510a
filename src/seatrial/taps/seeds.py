"""Hears the seeding of random generators, and tells at the end which of the global ones were drawn from."""

from __future__ import annotations

import functools
import importlib
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any

import torch

from seatrial.events import GeneratorUsed, Place, SeedSet
from seatrial.places import is_users, user_frame
from seatrial.taps.draws import comes_before, draws
from seatrial.taps.guarding import guarded, is_torchs
from seatrial.taps.watch import Watch

# Numbers of the script that are tried as the seed of a generator that may have been seeded before we listened.
MOST_GUESSES = 400
_MODULES = {"random": "random", "numpy": "numpy.random"}


def install(watch: Watch) -> None:
    """Listen. Generators are never drawn from; states are compared."""
    tap = _SeedTap(watch)
    tap.note_start(sys._getframe(1))
    _wrap_shared(watch, tap.make("torch", True), "manual_seed", torch.random, torch)
    _wrap_shared(watch, tap.make("torch", False), "seed", torch.random, torch)
    for name, given in (("manual_seed", True), ("manual_seed_all", True), ("seed", False), ("seed_all", False)):
        _wrap_shared(watch, tap.make("cuda", given), name, torch.cuda.random, torch.cuda)
    _wrap_shared(watch, tap.make("random", True), "seed", random)
    numpy_random = _numpy_random()
    if numpy_random is not None:
        _wrap_shared(watch, tap.make("numpy", True), "seed", numpy_random)
        _wrap_shared(watch, tap.make("numpy.Generator", True), "default_rng", numpy_random)
    watch.at_finish.append(guarded(watch, "the use of random generators", tap.last_words))


def _wrap_shared(watch: Watch, make: Callable[[Any], Any], name: str, *owners: ModuleType) -> None:
    """One replacement for all names of a function: it must stay the same object under each."""
    shared = functools.cache(make)
    for owner in owners:
        if name in vars(owner):
            watch.patches.wrap(owner, name, shared)


@dataclass(slots=True)
class _Global:
    """A global generator: how to read its state, its state when it was last seeded or first seen, whether it was
    seeded, whether it had been drawn from before, and where it was seeded first."""

    read: Callable[[], Any]
    state: Any
    seeded: bool = False
    drawn_before: bool = False
    where: Place | None = None


class _SeedTap:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.inside = False
        self.globals: dict[str, _Global] = {}
        self.note = guarded(watch, "the seeding of a random generator", self._note)
        self.note_before = guarded(watch, "the state of random generators", self._before)
        self.note_start = guarded(watch, "the state of random generators", self._start)

    def make(self, generator: str, seeds: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Replacements for a function that seeds a generator (`seeds`: not from the entropy of the system)."""

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def seed(*args: Any, **kwargs: Any) -> Any:
                if not self.watch.on or self.inside:
                    return original(*args, **kwargs)
                self.note_before(generator)
                self.inside = True
                try:
                    result = original(*args, **kwargs)
                finally:
                    self.inside = False
                given = next((value for value in (*args, *kwargs.values())), None)
                self.note(generator, seeds and given is not None, sys._getframe(1))
                return result

            return seed

        return make

    def _start(self, frame: FrameType) -> None:
        """Keep the states as they are now. The script may have seeded some before it imported torch."""
        self.globals["torch"] = _Global(_torch_state, _torch_state())
        state = random.getstate()
        seeded = any(random.Random(number).getstate() == state for number in _numbers(user_frame(frame)))
        self.globals["random"] = _Global(random.getstate, state, seeded)
        self._start_numpy()

    def _start_numpy(self) -> None:
        numpy_random = _numpy_random()
        if numpy_random is not None:
            global_one = numpy_random.mtrand._rand
            # Seeded by a number it has no longer the sequence of seeds that it got from the system at first.
            seeded = getattr(global_one._bit_generator, "seed_seq", True) is None
            read = functools.partial(_numpy_state, numpy_random)
            self.globals["numpy"] = _Global(read, read(), seeded)

    def _before(self, generator: str) -> None:
        """A generator is about to be seeded."""
        known = self.globals.get(generator)
        if known is not None and not known.seeded:
            known.drawn_before = known.drawn_before or known.read() != known.state

    def _note(self, generator: str, seeded: bool, frame: FrameType) -> None:
        watch = self.watch
        known = self.globals.get(generator)
        if known is not None:
            known.state, known.seeded = known.read(), seeded
            known.where = known.where or watch.place(frame)
        if generator == "numpy.Generator" and not is_users(frame.f_code.co_filename):
            return  # libraries make generators of their own for reasons of their own
        if not is_torchs(frame):
            watch.send(SeedSet(watch.tick, generator, seeded, watch.place(frame)))

    def last_words(self) -> None:
        """The script has ended."""
        for name, known in self.globals.items():
            moved, before = known.read() != known.state, known.drawn_before
            places = draws(_MODULES[name]) if name in _MODULES else []
            where = places[0] if places else None
            if name == "random":
                # Its state moves without the user's doing.
                moved = moved and where is not None
                before = (
                    before and known.where is not None and any(comes_before(place, known.where) for place in places)
                )
            self.watch.send(GeneratorUsed(name, moved, known.seeded, before, self.watch.source(where)))
        if torch.cuda.is_initialized():
            # The second half of a Philox state counts what was drawn.
            drawn = any(torch.cuda.get_rng_state()[8:16].tolist())
            self.watch.send(GeneratorUsed("cuda", drawn, self.globals["torch"].seeded))


def _torch_state() -> bytes:
    return torch.default_generator.get_state().numpy().tobytes()


def _numpy_state(numpy_random: ModuleType) -> tuple[Any, ...]:
    state = numpy_random.get_state(legacy=False)
    return state["state"]["key"].tobytes(), state["state"]["pos"], state["has_gauss"], state["gauss"]


def _numpy_random() -> ModuleType | None:
    return importlib.import_module("numpy.random") if "numpy" in sys.modules else None


def _numbers(frame: FrameType | None) -> Iterator[int]:
    """Whole numbers that stand in the script so far: in its code and in its variables."""
    seen: set[int] = set()
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            for value in (*frame.f_code.co_consts, *frame.f_globals.values()):
                if type(value) is int and value not in seen and len(seen) < MOST_GUESSES:
                    seen.add(value)
                    yield value
        frame = frame.f_back
