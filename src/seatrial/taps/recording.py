"""Decides which turns of the loop are looked at closely, and captures their steps.

A turn lasts from the end of one optimizer step to the end of the next. While it is looked at, the recorder hears all torch
functions; at its backward pass the captured step is sent as an event; around its optimizer step parameters are measured.
A turn with many backward passes (micro-batches, or a program that never steps) is heard at the first of them only; from
then on each further pass counts as a turn, for the schedule of close looks.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.overrides import _get_current_function_mode_stack  # pyright: ignore[reportPrivateUsage]

from seatrial.events import BatchSeen, GraphSeen
from seatrial.measure.activations import answered_alike, one_sided
from seatrial.measure.batches import sketch
from seatrial.places import place_of
from seatrial.step.capture import Call, Leaf, Origin, Out
from seatrial.step.graph import describe
from seatrial.step.recorded import Recorded
from seatrial.step.recorder import Recorder
from seatrial.step.verification import Verifier
from seatrial.taps.budget import ALLOWANCE_SECONDS, Budget
from seatrial.taps.guarding import guarded
from seatrial.taps.kept_graphs import KeptGraphs
from seatrial.taps.models import Models
from seatrial.taps.watch import Watch

# Sketches of batches are made in so many turns from the start, then in the turns that are looked at closely.
SKETCHED_TURNS = 160
# So many graphs of a line's step are sent while they are dense; afterwards as the schedule has it.
MOST_GRAPHS = 24
MOST_EVALUATION_GRAPHS = 3
KEPT_MEGABYTES = 64
# So many backward passes of one turn are heard.
BACKWARDS_HEARD = 6
# A loss of so many times its running mean (or none at all) is worth a close look, so many times in a run.
JUMP = 5.0
MOST_JUMPS = 6


class Recording:
    """The close looks of a run."""

    def __init__(self, watch: Watch, models: Models, verify: Verifier | None = None) -> None:
        self.watch = watch
        self.models = models
        self.budget = Budget(ALLOWANCE_SECONDS if verify is None else math.inf)
        self.recorder: Recorder | None = None
        self.started = False
        self.awaited = False  # whether the next training step is the first of something new
        self.looking = False  # whether this turn is looked at closely, to the end of its optimizer step
        self.whole = False  # whether this close look began with the turn
        self.gradients_asked = 0
        self.at_start: list[Callable[[], None]] = []
        self.verify = verify
        self.steps: dict[int, Recorded] = {}
        self.used_models: set[int] = set()  # models, and forward calls of theirs, that a captured loss depended on
        self.used_forwards: set[int] = set()
        self._turn = 0
        self._backwards = 0
        self._asked_at_step = 0
        self._next_fates = 2 * BACKWARDS_HEARD
        self._note_fates = guarded(watch, "what becomes of parameters", models.note_fates)
        self._sites: dict[int, int] = {}
        self._unseen: set[int] = set()  # backward calls of which no step was captured yet
        self._before_site: dict[int, int] = {}
        self._last_site = -1
        self._evaluations: dict[int, int] = {}
        self._predictions: list[tuple[int, int, Out]] = []
        self._usual: dict[int, float] = {}
        self._jumps = 0
        self._kept_graphs = KeptGraphs(watch)

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
        if self.recorder is not None or not self.watch.on or self.models.compiled:
            return
        if torch._C._is_tracing() or torch.compiler.is_compiling():
            return
        keep = not self.steps or self.verify is not None
        recorder = Recorder(keep_values=keep and self.models.megabytes < KEPT_MEGABYTES)
        recorder.parameter_id = self.watch.parameters.of
        recorder.sketch = sketch
        recorder.state_names = self.models.state_names()
        recorder.__enter__()
        self.recorder = recorder
        for listener in self.at_start:
            listener()
        self.whole = not self._backwards
        self.looking = True
        self.awaited = False
        self._predictions = []

    def stop(self) -> None:
        """End the close look; if user code has pushed a mode of its own since, ours stays on the stack without effect."""
        recorder = self.recorder
        if recorder is None:
            return
        self.recorder = None
        recorder.inert = True
        if _get_current_function_mode_stack()[-1:] == [recorder]:
            recorder.__exit__(None, None, None)
        if recorder.overflow:
            self.watch.not_looked_at(
                f"the whole of step {self.watch.tick}", "it has too many calls, or a call that could not be captured"
            )
        self.took(recorder.seconds)

    def took(self, seconds: float) -> None:
        """A close look at this turn has cost so much CPU time."""
        self.budget.took(self._turn, seconds)
        self.watch.seconds += seconds

    def next_turn(self) -> None:
        """An optimizer step has ended: end a close look, begin another if one is due."""
        if self.recorder is not None:
            self.stop()
        self.looking = False
        self._backwards = 0
        self._asked_at_step = self.gradients_asked + self.watch.tick
        self._turn += 1
        wanted = self._unseen and any(self._before_site.get(site) == self._last_site for site in self._unseen)
        if self.budget.is_due(self._turn) or (wanted and self.budget.affords()):
            self.start()
        self.watch.sketching = self.recorder is None and self._turn < SKETCHED_TURNS

    # ---- backward ------------------------------------------------------------------------------------------------

    def gradient_asked(self) -> None:
        self.gradients_asked += 1

    def _gradients(self) -> int:
        return self.gradients_asked + self.watch.tick

    @property
    def gradients_since_step(self) -> int:
        """How many gradients were asked for since the last optimizer step (0 in programs that step by hand)."""
        if not self.watch.optimizer_steps:
            return 0
        return self._gradients() - self._asked_at_step

    def before_backward(self, losses: tuple[torch.Tensor, ...], kind: str, frame: FrameType | None) -> None:
        """A backward pass begins from `losses`."""
        watch = self.watch
        call = watch.call_at("backward", -1, kind, frame)
        value = _value(losses)
        watch.loss(call, value)
        if isinstance(value, float):
            self._notice_jump(call, value)
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
                for listener in watch.at_backward if self.whole else ():
                    listener(losses, call)
                self._cut(recorder, losses, call, frame)
            except Exception as error:
                watch.not_looked_at(f"the step at tick {watch.tick}", f"{type(error).__name__}: {error}")
            recorder.seconds = counted + time.thread_time() - start

    def _notice_jump(self, call: int, value: float) -> None:
        """A loss that jumps or is no longer finite is looked at closely in the next turn, a few times."""
        size, usual = abs(value), self._usual.get(call)
        if usual is not None and not size <= JUMP * usual and self._jumps < MOST_JUMPS:
            self._jumps += 1
            self.budget.next_turn = self._turn + 1
        if size < math.inf:
            self._usual[call] = size if usual is None else 0.9 * usual + 0.1 * size

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
        roots = [out for loss in losses if (out := recorder.out_of(loss)) is not None]
        if not roots:
            self.watch.not_looked_at("the step at its backward call", "its loss was made before it could be watched")
            return
        self._sites[call] += 1
        self._unseen.discard(call)
        predictions = self._predictions
        recorder.name_leaves(roots, self.models.parameter_names)
        seen, roles, program = describe(
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
        reached = {id(origin) for origin in program}
        used = [(model, forward) for model, forward, out in predictions if id(out.origin) in reached]
        self.used_models |= {model for model, _ in used}
        self.used_forwards |= {forward for _, forward in used}
        if self._sites[call] <= MOST_GRAPHS:
            self.watch.send(seen)
        self._send_sketches(program, roles, seen)
        self._kept_graphs.look(program, losses, recorder.carried)
        if recorder.keep_values and recorder.kept_bytes < KEPT_MEGABYTES * 2**20 and call not in self.steps:
            kept = [out for _, _, out in predictions if id(out.origin) in reached]
            self.steps[call] = Recorded(program, roots, roles, seen, kept)
        if self.verify is not None:
            self.verify.before_backward(program, roots, losses, call, dict(self.watch.parameters.living()))

    def _send_sketches(self, program: list[Origin], roles: dict[int, str], seen: GraphSeen) -> None:
        position = {"input": 0, "target": 0}
        for leaf in program:
            role = roles.get(id(leaf), "")
            if not isinstance(leaf, Leaf) or role not in position or leaf.sketch is None:
                continue
            self.send_batch(
                leaf.sketch, "training", role, position[role], seen.model, leaf.info.shape, leaf.info.dtype, leaf
            )
            position[role] += 1

    def send_batch(
        self,
        figures: Any,
        phase: str,
        role: str,
        position: int,
        model: int,
        shape: tuple[int, ...],
        dtype: str,
        leaf: Leaf | None = None,
    ) -> None:
        """Send a sketch."""
        self.watch.send(
            BatchSeen(
                tick=self.watch.tick,
                phase=phase,
                model=model,
                role=role,
                position=position,
                shape=shape,
                dtype=dtype,
                stats=figures.stats,
                histogram=figures.histogram,
                rows=figures.rows,
                feature_means=figures.feature_means,
                feature_stds=figures.feature_stds,
                where=leaf.place if leaf is not None else None,
                data=self.watch.last_data,
            )
        )

    # ---- evaluation ----------------------------------------------------------------------------------------------

    def root_enters(self, model: int, call: int, evaluating: bool) -> bool:
        """A root module is called. Returns whether a close look was begun for this call alone."""
        wanted = evaluating and self.recorder is None and self._evaluations.get(model, 0) < MOST_EVALUATION_GRAPHS
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
            tensors = _tensors(result)
            roots = [out for tensor in tensors if (out := recorder.out_of(tensor)) is not None]
            self._predictions += [(model, call, out) for out in roots]
            if len(tensors) == 1 and roots and isinstance(roots[0].origin, Call):
                origin, scores = roots[0].origin, tensors[0].detach()
                alike = {"answered_alike": answered_alike(scores), "one_sided": one_sided(scores)}
                origin.stats = {**origin.stats, **alike}
            if evaluating and roots and self._evaluations.get(model, 0) < MOST_EVALUATION_GRAPHS:
                self._evaluations[model] = self._evaluations.get(model, 0) + 1
                self._describe_evaluation(recorder, roots, model, frame)
        except Exception as error:
            self.watch.not_looked_at("an evaluation", f"{type(error).__name__}: {error}")
        recorder.inert = False
        if alone:
            self.stop()

    def _describe_evaluation(self, recorder: Recorder, roots: list[Out], model: int, frame: FrameType) -> None:
        seen, _, _ = describe(
            roots,
            tick=self.watch.tick,
            kind="evaluation",
            call=-1,
            model=model,
            value=math.nan,
            place=place_of(frame),
            training=self.models.in_training_mode(),
            predictions=roots,
            exits=[],
        )
        self.watch.send(seen)


def _number(losses: tuple[torch.Tensor, ...]) -> float:
    return float(losses[0].detach()) if len(losses) == 1 and losses[0].numel() == 1 else math.nan


def _value(losses: tuple[torch.Tensor, ...]) -> Any:
    """What to keep of a loss without waiting for a device: a float, or a detached tensor to be read later."""
    loss = losses[0] if len(losses) == 1 else None
    if loss is None or loss.numel() != 1:
        return math.nan
    return loss.item() if loss.is_cpu else loss.detach()


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [tensor for part in value for tensor in _tensors(part)]
    if isinstance(value, dict):
        return [tensor for part in value.values() for tensor in _tensors(part)]
    return []
