"""Decides which turns of the loop are looked at closely, and lets a recorder listen in them.

A turn lasts from the end of one optimizer step to the end of the next. While it is looked at, the recorder hears all torch
functions; at its backward pass the captured step is sent as an event; around its optimizer step parameters are measured.
A turn with many backward passes (micro-batches, or a program that never steps) is heard at the first of them only; from
then on each further pass counts as a turn, for the schedule of close looks.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import torch

from seatrial.step.recorder import Recorder
from seatrial.step.unheard import Unheard, unheard
from seatrial.step.verification import Verifier
from seatrial.taps.backward_lines import BackwardLines
from seatrial.taps.budget import ALLOWANCE_SECONDS, Budget
from seatrial.taps.captured_steps import CapturedSteps
from seatrial.taps.guarding import guarded
from seatrial.taps.jumps import Jumps
from seatrial.taps.loss_values import value_of
from seatrial.taps.mode_stack import ModeStack
from seatrial.taps.models import Models
from seatrial.taps.sites import Sites
from seatrial.taps.watch import Watch

# Sketches of batches are made in so many turns from the start, then in the turns that are looked at closely.
SKETCHED_TURNS = 160
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
        self.verify = verify
        self.stack = ModeStack()
        self._lines = BackwardLines()
        self.steps = CapturedSteps(watch, models, self._lines, verify)
        self._turn = 0
        self._backwards = 0
        self._asked_at_step = 0
        self._next_fates = 2 * BACKWARDS_HEARD
        self._note_fates = guarded(watch, "what becomes of parameters", models.note_fates)
        self._calls = Sites(watch, "backward")
        self._jumps = Jumps()
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
        self.recorder = self.stack.enter(self.steps.recorder())
        for listener in self.at_start:
            listener()
        self.whole = not self._backwards
        self.looking = True
        self.awaited = False
        self._heard.clear()
        self._evaluations_heard = 0

    def stop(self) -> None:
        """End the close look."""
        recorder = self.recorder
        if recorder is None:
            self.stack.tidy()
            return
        self.recorder = None
        recorder.inert = True
        self.stack.leave(recorder)
        if recorder.overflow and not self._overflown:
            self._overflown = True  # the steps that follow are most likely like this one
            self.watch.not_looked_at(
                f"steps like step {self.watch.tick} as a whole",
                "it has too many calls, or a call that could not be captured",
            )
        self.took(recorder.seconds)

    def resume(self) -> None:
        """Training goes on after an evaluation that ended this turn's close look."""
        if self._paused:
            self._paused = False
            if self.budget.affords():
                self.start()

    def deaf(self, call: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        """Make a call of torch's own code that is in no graph, recording nothing of it."""
        self.stack.tidy()
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
        self.stack.tidy()
        self._backwards = 0
        self._asked_at_step = self.gradients_asked + self.watch.tick
        turn = self._turn = self._turn + 1
        due = turn >= self.budget.next_turn and self.budget.is_due(turn)
        if due or (self._lines.unseen and self._lines.unseen_next() and self.budget.affords()):
            self.start()
        self.watch.sketching = turn < SKETCHED_TURNS and self.recorder is None

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
            value = value_of(losses, gradients)
        if value is not None:
            watch.loss(call, value)
        if isinstance(value, float) and self._jumps.notice(call, value):
            self.budget.next_turn = self._turn + 1
        if call != self._lines.last:
            self._lines.called(call)
        self.models.end_of_evaluation()
        recorder = self.recorder
        if recorder is not None and not recorder.inert:
            recorder.inert = True
            start, counted = time.thread_time(), recorder.seconds
            try:
                with Unheard():
                    for listener in watch.at_backward if self.whole else ():
                        listener(losses, call)
                    self.steps.send(recorder, losses, call, sys._getframe(up + 1))
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
            again = self._lines.last in self._heard
            self._heard.add(self._lines.last)
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

    # ---- evaluation ----------------------------------------------------------------------------------------------

    def root_enters(self, model: int, call: int, evaluating: bool) -> bool:
        """A root module is called. Returns whether a close look was begun for this call alone."""
        if evaluating and self.recorder is not None and not torch.is_grad_enabled():
            self._evaluations_heard += 1
            if self._evaluations_heard > EVALUATIONS_HEARD:
                self.stop()
                self._paused = True
        wanted = evaluating and self.recorder is None and self.steps.evaluations.wanted(model)
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
                self.steps.note_result(recorder, model, call, result, evaluating, frame)
        except Exception as error:
            self.watch.not_looked_at("an evaluation", f"{type(error).__name__}: {error}")
        recorder.inert = False
        if alone:
            self.stop()
