"""Active experiments on recorded steps, made on copies after the script has ended. They only measure; rules judge.

`conduct` makes them within a budget of time: first those that only look at a step, then, for what the rules suspect by then,
forks of the training with the fault mended. Time is CPU time of the thread, so that what is tried, and with it what is found,
does not depend on how busy the machine is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch

from seatrial.config import Config
from seatrial.events import Event, NotLookedAt
from seatrial.history import Run
from seatrial.numbers import decimal
from seatrial.step.capture import Call
from seatrial.step.generators import unmoved
from seatrial.step.recorded import Recorded
from seatrial.step.replay import NotReplayable
from seatrial.taps.watch import Watch

# Experiments that only look at steps may take so long together, and are made on steps of at most so many calls.
MOST_SECONDS = 3.0
MOST_CALLS = 4000
# Examples are looked at, those of the models with most of them first, until so much time has passed.
GLANCE_SECONDS = 3.0
# One proof may take so long, and so many findings are tried, the most important first.
PROOF_SECONDS = 8.0
MOST_PROOFS = 4
# The ladder of small subsets may take so long.
LADDER_SECONDS = 6.0
SWEEP_SECONDS = 3.0
GRADIENT_SECONDS = 4.0
# So many forward passes must fit into the time of all trials for anything to be trained.
FEWEST_PASSES = 100
# Trials may take a quarter of the script's own time, but at least and at most so long.
SHARE = 0.25
LEAST_SECONDS = 10.0
LONGEST_SECONDS = 120.0

Trial = Callable[[Recorded], Iterator[Event]]
Pairs = Sequence[tuple[Any, Any]]  # tensors: inputs, targets


@dataclass
class Extent:
    """How much is tried: `name` full | quick (nothing is trained) | off; how long, in seconds; whom to tell what is being done;
    `fresh` makes the model anew, with an initialisation of its own, where there is a task that knows how; `whole`: the
    gradients of the whole network are checked too, not only those of custom functions."""

    name: str = "full"
    seconds: float = LEAST_SECONDS
    tell: Callable[[str], None] = lambda text: None
    fresh: Callable[[], torch.nn.Module] | None = None
    whole: bool = False
    _start: float = field(default_factory=time.thread_time)

    @property
    def left(self) -> float:
        return self.seconds - (time.thread_time() - self._start)


def extent(name: str, script_seconds: float, tell: Callable[[str], None], most: float | None = None) -> Extent:
    """The extent of trials for a script that ran so long. `most`: seconds in the place of the usual LONGEST_SECONDS, 0 for none."""
    if most == 0:
        return Extent("off", 0.0, tell)
    longest = LONGEST_SECONDS if most is None else most
    return Extent(name, min(longest, max(LEAST_SECONDS, SHARE * script_seconds)), tell)


@contextmanager
def usual_device() -> Generator[None]:
    """What experiments make themselves lies on the CPU, whatever default device the script has set. (What its step makes is
    made where the script made it.)"""
    with torch.device("cpu") if torch.get_default_device().type != "cpu" else nullcontext():
        yield


@dataclass(frozen=True, slots=True)
class Material:
    """What experiments are made on.

    steps     recorded steps by their backward call.
    examples  inputs with their targets, batch by batch, by phase and model.
    classes   of the script's optimizers, by number.
    """

    steps: dict[int, Recorded]
    examples: Mapping[tuple[str, int], Pairs]
    classes: dict[int, Any]

    @staticmethod
    def of(watch: Watch) -> Material:
        """What a watch has kept."""
        return Material(watch.steps, watch.examples.pairs, watch.optimizer_classes)


def conduct(
    material: Material, so_far: Callable[[], Run], config: Config, given: Extent, begun: bool = False
) -> Iterator[Event]:
    """What the experiments show, one event after the other.

    Args:
        so_far: reads the record, with all events that were yielded until then.
        begun: those of `before_training` were made.
    """
    if given.name == "off":
        return
    if not begun:
        yield from looks(list(material.steps.values()), given)
    yield from glances(material.steps, material.examples, given)
    run = so_far()

    def on_copies(step: Recorded) -> Iterator[Event]:
        if given.whole:
            yield from _gradients(material, run, given)
        if not begun:
            yield from _untrained(step, given)
        yield from _proofs(material, so_far(), config, given)
        if not begun:
            yield from _trainings(material, step, run, given)

    yield from _on_main_step(material, run, given, on_copies)


def before_training(material: Material, so_far: Callable[[], Run], given: Extent) -> Iterator[Event]:
    """The experiments that need no more than a first step."""
    yield from looks(list(material.steps.values()), given)
    run = so_far()

    def on_copies(step: Recorded) -> Iterator[Event]:
        yield from _untrained(step, given)
        yield from _trainings(material, step, run, given)

    yield from _on_main_step(material, run, given, on_copies)


def _on_main_step(
    material: Material, run: Run, given: Extent, on_copies: Callable[[Recorded], Iterator[Event]]
) -> Iterator[Event]:
    """Experiments that train copies of the main loop's step, where they are wanted and there is time for them."""
    step = material.steps.get(run.main_call) if run.main_call is not None else None
    if step is None or given.name != "full":
        return
    slow = _too_slow(step, given)
    if slow is None:
        yield from on_copies(step)
    else:
        yield slow


def _too_slow(step: Recorded, given: Extent) -> NotLookedAt | None:
    """Said instead of trying where so few forward passes fit into the time that nothing could be trained."""
    start = time.thread_time()
    try:
        with torch.no_grad(), unmoved():
            replay = step.whole()
            replay(replay.values())
    except Exception:  # what cannot be replayed says so in each trial
        return None
    taken = time.thread_time() - start
    if taken * FEWEST_PASSES <= given.seconds:
        return None
    why = f"one forward pass takes {decimal(taken, 2)} s, and there are {given.seconds:.0f} s for all of them"
    return NotLookedAt("trials that train copies", why, trial=True)


def _untrained(step: Recorded, given: Extent) -> Iterator[Event]:
    from seatrial.trials.untrained import untrained

    yield from _tried("the loss of the untrained network", lambda: untrained(step, given.tell, given.fresh))


def _gradients(material: Material, run: Run, given: Extent) -> Iterator[Event]:
    from seatrial.trials.gradients.network import network_gradients
    from seatrial.trials.plan import plan

    def events() -> Iterator[Event]:
        seconds = min(GRADIENT_SECONDS, given.left)
        yield from network_gradients(plan(run, material.steps, material.classes), seconds, given.tell)

    yield from _tried("the gradients of the network", events)


def _proofs(material: Material, run: Run, config: Config, given: Extent) -> Iterator[Event]:
    from seatrial.trials.plan import plan
    from seatrial.trials.proofs import proofs

    def events() -> Iterator[Event]:
        yield from proofs(plan(run, material.steps, material.classes), run, config, given)

    yield from _tried("proofs by mending", events)


def _trainings(material: Material, step: Recorded, run: Run, given: Extent) -> Iterator[Event]:
    """What trains copies of the main loop's step whether or not anything is suspected, while there is time."""
    from seatrial.trials.overfitting import overfitted
    from seatrial.trials.plan import plan
    from seatrial.trials.rates import swept

    seconds = min(LADDER_SECONDS, given.left)
    yield from _tried("overfitting a few examples", lambda: overfitted(step, seconds, given.tell))

    def rates() -> Iterator[Event]:
        yield from swept(plan(run, material.steps, material.classes), min(SWEEP_SECONDS, given.left), given.tell)

    yield from _tried("a range of learning rates", rates)


def _tried(what: str, trial: Callable[[], Iterator[Event]]) -> Iterator[Event]:
    """The events of a trial; one that cannot be made costs its own only, and is named among what was not looked at."""
    try:
        for event in trial():
            yield replace(event, trial=True) if isinstance(event, NotLookedAt) else event
    except NotReplayable as reason:
        yield NotLookedAt(what, str(reason), trial=True)
    except Exception as error:
        yield NotLookedAt(what, f"{type(error).__name__}: {str(error)[:200]}", trial=True)


def glances(steps: dict[int, Recorded], examples: Mapping[tuple[str, int], Pairs], given: Extent) -> Iterator[Event]:
    """Looks at the examples themselves: those that were kept, or else the batches of the recorded steps."""
    from seatrial.trials.glance import glance, pairs_of

    found = dict(examples)
    for step in steps.values():
        found.setdefault(("training", step.seen.model), pairs_of(step))
    end = time.thread_time() + min(GLANCE_SECONDS, given.left)
    for (phase, model), pairs in sorted(found.items(), key=lambda kept: -sum(len(x) for x, _ in kept[1])):
        if time.thread_time() > end:
            yield NotLookedAt("all data at a glance", "its time was used up", trial=True)
            return
        given.tell("the data at a glance")
        yield from _tried("the data at a glance", partial(glance, pairs, phase, model))


def looks(steps: list[Recorded], given: Extent) -> Iterator[Event]:
    """Experiments that look at each step, until the time is used up."""
    from seatrial.trials.gradients.steps import wrong_gradients
    from seatrial.trials.independence import examples_mixed
    from seatrial.trials.influence import inputs_ignored, order_matters

    trials: tuple[Trial, ...] = (examples_mixed, inputs_ignored, order_matters, wrong_gradients)
    end = time.thread_time() + min(MOST_SECONDS, given.left)
    for step in steps:
        calls = sum(isinstance(origin, Call) for origin in step.program)
        if calls > MOST_CALLS:
            yield NotLookedAt("experiments on a step", f"it has {calls} calls, more than {MOST_CALLS}", trial=True)
            continue
        for trial in trials:
            what = trial.__name__.replace("_", " ")
            if time.thread_time() > end:
                yield NotLookedAt("experiments on later steps", "their time was used up", trial=True)
                return
            given.tell(what)
            yield from _tried(f"the experiment '{what}'", partial(trial, step))
