"""Decides which turns of the loop are looked at closely, and captures their steps.

A turn lasts from the end of one optimizer step to the end of the next. While it is looked at, the recorder hears all torch
functions; at its backward pass the captured step is sent as an event; around its optimizer step parameters are measured.
A turn with many backward passes (micro-batches, or a program that never steps) is heard at the first of them only; from
then on each further pass counts as a turn, for the schedule of close looks.
"""

from __future__ import annotations

import functools
import math
import sys
import time
from collections.abc import Callable, Sequence
from threading import get_ident
from types import FrameType
from typing import Any

import torch

from seatrial.events import GraphSeen
from seatrial.measure.access import is_whole, kept, readable
from seatrial.measure.activations import answered_alike, one_sided
from seatrial.measure.batches import sketch
from seatrial.places import place_of
from seatrial.step.capture import Call, Out
from seatrial.step.graph import describe
from seatrial.step.recorded import Recorded
from seatrial.step.recorder import Recorder
from seatrial.step.unheard import Unheard, speaks, unheard
from seatrial.step.verification import Verifier
from seatrial.taps.budget import ALLOWANCE_SECONDS, Budget
from seatrial.taps.evaluation_graphs import EvaluationGraphs, tensors_in
from seatrial.taps.guarding import guarded
from seatrial.taps.jumps import Jumps
from seatrial.taps.kept_graphs import KeptGraphs
from seatrial.taps.kept_steps import KeptSteps
from seatrial.taps.models import Models
from seatrial.taps.sites import Sites
from seatrial.taps.sketches import send_leaves
from seatrial.taps.units import units_of
from seatrial.taps.watch import Watch

# Sketches of batches are made in so many turns from the start, then in the turns that are looked at closely.
SKETCHED_TURNS = 160
# So many graphs of a line's step are sent while they are dense; afterwards as the schedule has it.
MOST_GRAPHS = 24
# So many backward passes of one turn are heard.
BACKWARDS_HEARD = 6
# So many forward passes without gradients are heard in one close look: a whole evaluation would cost more than it tells.
EVALUATIONS_HEARD = 8


class Recording:
    """The close looks of a run."""

    def __init__(
        self, watch: Watch, models: Models, verify: Verifier | None = None, looks: float | None = None
    ) -> None:
        self.watch = watch
        self.models = models
        self.budget = Budget(ALLOWANCE_SECONDS if verify is None else math.inf, looks)
        self.recorder: Recorder | None = None
        self.started = False
        self.awaited = False  # whether the next training step is the first of something new
        self.looking = False  # whether this turn is looked at closely, to the end of its optimizer step
        self.whole = False  # whether this close look began with the turn
        self.gradients_asked = 0
        self.at_start: list[Callable[[], None]] = []
        self.at_step: list[Callable[[GraphSeen], None]] = []  # told of every captured training step
        self.verify = verify
        self.kept = KeptSteps()
        self.used_models: set[int] = set()  # models, and forward calls of theirs, that a captured loss depended on
        self.used_forwards: set[int] = set()
        self._left: dict[int, Recorder] = {}  # by thread: what could not be taken off the stack of modes yet
        self._turn = 0
        self._backwards = 0
        self._asked_at_step = 0
        self._next_fates = 2 * BACKWARDS_HEARD
        self._note_fates = guarded(watch, "what becomes of parameters", models.note_fates)
        self._calls = Sites(watch, "backward")
        self._sites: dict[int, int] = {}
        self._unseen: set[int] = set()  # backward calls of which no step was captured yet
        self._before_site: dict[int, int] = {}
        self._last_site = -1
        self._evaluations = EvaluationGraphs(watch, models)
        self._predictions: list[tuple[int, int, Out]] = []
        self._jumps = Jumps()
        self._kept_graphs = KeptGraphs(watch)
        self._overflown = False
        self._heard: set[int] = set()  # backward calls that this close look has captured
        self._evaluations_heard = 0
        self._paused = False  # whether this turn's close look has ended for an evaluation

    # ---- on and off ----------------------------------------------------------------------------------------------

    @property
    def in_handler(self) -> bool:
        """Whether we are inside a call that the recorder is just making."""
        return self.recorder is not None and self.recorder.depth > 0

    def begin(self) -> None:
        """The first sign that training is about to begin: listen from now on to the end of the first step."""
        self.started = True
        self.start()

    def phase(self) -> None:
        """The program begins something new: another optimizer, layers replaced, frozen or thawed. From its next training
        step on it is looked at closely again, a few times in a run."""
        if not self.started or not self.watch.tick or not self.budget.anew(self._turn):
            return
        self.awaited = True
        for model, _ in self.models.living():
            self.models.look_again(model)

    def training_begins(self) -> bool:
        """A forward pass in training mode: if it is the first at all, or of something new, listen. Returns whether so."""
        if self.recorder is not None or (self.started and not self.awaited):
            return False
        self.begin()
        return True

    def start(self) -> None:
        """Begin to look closely (unless a compiler is at work: it would trace our mode into the user's program)."""
        if self.recorder is not None or not self.watch.on or self.models.compiled or self.models.in_shards:
            return
        if torch._C._is_tracing() or torch.compiler.is_compiling():
            return
        recorder = self.kept.recorder(self.models.megabytes, self.verify is not None)
        recorder.parameter_id = self.models.number_of
        recorder.sketch = sketch
        recorder.state_names = self.models.state_names()
        left = self._left.pop(get_ident(), None)
        if left is not None and not left.leave():  # torch is about to put it back: it begins anew
            vars(left).update(vars(recorder), thread=left.thread)
            recorder = left
        else:
            recorder.enter()
        self.recorder = recorder
        for listener in self.at_start:
            listener()
        self.whole = not self._backwards
        self.looking = True
        self.awaited = False
        self._predictions = []
        self._heard.clear()
        self._evaluations_heard = 0

    def stop(self) -> None:
        """End the close look."""
        recorder = self.recorder
        if recorder is None:
            self.tidy()
            return
        self.recorder = None
        recorder.inert = True
        if not recorder.leave():
            self._left[recorder.thread] = recorder
        if recorder.overflow and not self._overflown:
            self._overflown = True  # the steps that follow are most likely like this one
            self.watch.not_looked_at(
                f"steps like step {self.watch.tick} as a whole",
                "it has too many calls, or a call that could not be captured",
            )
        self.took(recorder.seconds)

    def tidy(self) -> None:
        """Take off the stack of modes what could not be taken off earlier."""
        left = self._left.get(get_ident()) if self._left else None
        if left is not None and left.leave():
            del self._left[left.thread]

    def resume(self) -> None:
        """Training goes on after an evaluation that ended this turn's close look."""
        if self._paused:
            self._paused = False
            if self.budget.affords():
                self.start()

    def deaf(self, call: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        """Make a call of torch's own code that is in no graph, recording nothing of it."""
        self.tidy()
        recorder = self.recorder
        if recorder is None or recorder.inert:
            call(*args, **kwargs)
            return
        recorder.inert = True
        try:
            call(*args, **kwargs)
        finally:
            recorder.inert = False

    def took(self, seconds: float) -> None:
        """A close look at this turn has cost so much CPU time."""
        self.budget.took(self._turn, seconds)
        self.watch.seconds += seconds

    def spent(self, seconds: float) -> None:
        """Something beside the close looks has cost so much CPU time."""
        self.budget.spent += seconds
        self.watch.seconds += seconds

    @property
    def backwards(self) -> int:
        """Backward passes of this turn, up to now."""
        return self._backwards

    def next_turn(self) -> None:
        """An optimizer step has ended: end a close look, begin another if one is due."""
        if self.recorder is not None:
            self.stop()
        self.looking = self._paused = False
        self.tidy()
        self._backwards = 0
        self._asked_at_step = self.gradients_asked + self.watch.tick
        turn = self._turn = self._turn + 1
        due = turn >= self.budget.next_turn and self.budget.is_due(turn)
        if due or (self._unseen and self._before_unseen() and self.budget.affords()):
            self.start()
        self.watch.sketching = turn < SKETCHED_TURNS and self.recorder is None

    def _before_unseen(self) -> bool:
        """Whether what was called last is what came before a backward call of which no step was captured yet."""
        return any(self._before_site.get(site) == self._last_site for site in self._unseen)

    # ---- backward ------------------------------------------------------------------------------------------------

    def gradient_asked(self) -> None:
        self.gradients_asked += 1

    @property
    def gradients_since_step(self) -> int:
        """How many gradients were asked for since the last optimizer step (0 in programs that step by hand)."""
        if not self.watch.optimizer_steps:
            return 0
        return self.gradients_asked + self.watch.tick - self._asked_at_step

    def before_backward(
        self, losses: tuple[torch.Tensor, ...], kind: str, up: int, gradients: Sequence[Any] = ()
    ) -> None:
        """A backward pass begins from `losses`, called so many frames out of the caller's. `gradients`: those with respect to
        the losses that it was given, one for each (None or none at all: ones)."""
        watch = self.watch
        call = self._calls.note(-1, kind, up + 1)
        with unheard(any(type(loss) is not torch.Tensor for loss in losses)):
            value = _value(losses, gradients)
        if value is not None:
            watch.loss(call, value)
        if isinstance(value, float) and self._jumps.notice(call, value):
            self.budget.next_turn = self._turn + 1
        if call != self._last_site:
            if call not in self._sites:
                self._sites[call] = 0
                self._unseen.add(call)
                self._before_site[call] = self._last_site
            self._last_site = call
        self.models.end_of_evaluation()
        recorder = self.recorder
        if recorder is not None and not recorder.inert:
            recorder.inert = True
            start, counted = time.thread_time(), recorder.seconds
            try:
                with Unheard():
                    for listener in watch.at_backward if self.whole else ():
                        listener(losses, call)
                    self._cut(recorder, losses, call, sys._getframe(up + 1))
            except Exception as error:
                watch.not_looked_at(f"the step at tick {watch.tick}", f"{type(error).__name__}: {error}")
            recorder.seconds = counted + time.thread_time() - start

    def after_backward(self, losses: tuple[torch.Tensor, ...]) -> None:
        """A backward pass has ended."""
        if self.recorder is not None:
            self.recorder.inert = False
        if self.verify is not None:
            self.verify.after_backward()
        self.watch.tick += 1
        self._backwards += 1
        if self._backwards >= BACKWARDS_HEARD:
            self._long_turn()
        elif self.recorder is not None:
            again = self._last_site in self._heard
            self._heard.add(self._last_site)
            if again and not self.budget.affords(self.recorder.seconds):  # the same once more, and costly
                self.stop()

    def _long_turn(self) -> None:
        """A turn has had many backward passes by now: listen no longer, or for a further one if the schedule has it."""
        self.stop()
        self._turn += 1
        if self.watch.tick >= self._next_fates:  # what is known of parameters that a program without steps may drop
            self._next_fates = 2 * self.watch.tick
            self._note_fates(self.watch.optimizers.living())
        if self.budget.is_due(self._turn):
            self.start()
        self.watch.sketching = self.recorder is None and self._turn < SKETCHED_TURNS

    def _cut(self, recorder: Recorder, losses: tuple[torch.Tensor, ...], call: int, frame: FrameType | None) -> None:
        """Send the captured step that the losses depend on."""
        if recorder.overflow:  # a part of it is not known: what is left would be misread
            self._unseen.discard(call)
            return
        if self.models.in_shards:
            self.watch.not_looked_at(
                "the inside of training steps", "FullyShardedDataParallel keeps parameters in pieces"
            )
            return
        roots = [out for loss in losses if (out := recorder.out_of(loss)) is not None]
        if not roots:
            self.watch.not_looked_at("the step at its backward call", "its loss was made before it could be watched")
            return
        self._sites[call] += 1
        self._unseen.discard(call)
        predictions = self._predictions
        recorder.name_leaves(roots, self.models.parameter_names)
        described = describe(
            roots,
            tick=self.watch.tick,
            kind="training",
            call=call,
            model=predictions[-1][0] if predictions else -1,
            value=_number(losses),
            place=place_of(frame),
            training=self.models.in_training_mode(),
            predictions=[out for _, _, out in predictions],
            exits=recorder.exits,
        )
        seen, roles, program = described.seen, described.roles, described.program
        reached = {id(origin) for origin in program}
        used = [(model, forward) for model, forward, out in predictions if id(out.origin) in reached]
        self.used_models |= {model for model, _ in used}
        self.used_forwards |= {forward for _, forward in used}
        if self._sites[call] <= MOST_GRAPHS:
            self.watch.graph(seen)
        for listener in self.at_step:
            listener(seen)
        if (units := units_of(seen)) is not None:
            self.watch.send(units)
        send_leaves(self.watch, program, roles, seen.model)
        self._kept_graphs.look(program, losses, recorder.carried)
        kept = [out for _, _, out in predictions if id(out.origin) in reached]
        self.kept.keep(recorder, call, Recorded(program, roots, roles, seen, kept, described.numbers))
        if self.verify is not None:
            self.verify.before_backward(program, roots, losses, call, dict(self.watch.parameters.living()))

    # ---- evaluation ----------------------------------------------------------------------------------------------

    def root_enters(self, model: int, call: int, evaluating: bool) -> bool:
        """A root module is called. Returns whether a close look was begun for this call alone."""
        if evaluating and self.recorder is not None and not torch.is_grad_enabled():
            self._evaluations_heard += 1
            if self._evaluations_heard > EVALUATIONS_HEARD:
                self.stop()
                self._paused = True
        wanted = evaluating and self.recorder is None and self._evaluations.wanted(model)
        if not wanted or not self.budget.affords():
            return False
        self.start()
        return self.recorder is not None

    def root_leaves(self, model: int, call: int, result: Any, evaluating: bool, alone: bool, frame: FrameType) -> None:
        """A root module has returned."""
        recorder = self.recorder
        if recorder is None or recorder.inert:
            return
        recorder.inert = True
        try:
            with Unheard():
                self._note_result(recorder, model, call, result, evaluating, frame)
        except Exception as error:
            self.watch.not_looked_at("an evaluation", f"{type(error).__name__}: {error}")
        recorder.inert = False
        if alone:
            self.stop()

    def _note_result(
        self, recorder: Recorder, model: int, call: int, result: Any, evaluating: bool, frame: FrameType
    ) -> None:
        tensors = tensors_in(result)
        roots = [out for tensor in tensors if (out := recorder.out_of(tensor)) is not None]
        self._predictions += [(model, call, out) for out in roots]
        if len(tensors) == 1 and roots and isinstance(roots[0].origin, Call):
            origin, scores = roots[0].origin, tensors[0].detach()
            alike = {"answered_alike": answered_alike(scores), "one_sided": one_sided(scores)}
            origin.stats = {**origin.stats, **alike}
        if evaluating and roots and not recorder.overflow and self._evaluations.wanted(model):
            self._evaluations.send(roots, model, frame)


def _number(losses: tuple[torch.Tensor, ...]) -> float:
    loss = losses[0] if len(losses) == 1 else None
    return float(loss.detach()) if loss is not None and loss.numel() == 1 and is_whole(loss) else math.nan


def _value(losses: tuple[torch.Tensor, ...], gradients: Sequence[Any]) -> Any:
    """What to keep of a loss without waiting for a device: a float, or a tensor to be read later. Of several, or of one with
    many elements, the number whose gradient is taken: their sum, each weighted with the gradient that it was given. None
    where there is no such number."""
    if any(map(speaks, losses)):
        return None
    if len(losses) == 1 and losses[0].numel() == 1:
        return kept(losses[0])
    weights = gradients or (None,) * len(losses)
    if not losses or len(weights) != len(losses) or not all(map(readable, losses)):
        return None
    with torch.no_grad():
        parts: list[torch.Tensor] = []
        for loss, weight in zip(losses, weights, strict=True):
            if loss.is_complex() or (weight is None and loss.numel() != 1):
                return None
            if weight is not None and not (readable(weight) and weight.shape == loss.shape):
                return None
            parts.append((loss if weight is None else loss * weight).sum())
        return kept(functools.reduce(torch.add, parts)) if len({part.device for part in parts}) == 1 else None
