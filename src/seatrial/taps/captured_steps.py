"""Sends what a close look has captured: the step that a loss depends on, and the forward passes that train nothing."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

import torch

from seatrial.events import GraphSeen
from seatrial.measure.activations import answered_alike, one_sided
from seatrial.measure.batches import sketch
from seatrial.places import place_of
from seatrial.step.arguments import tensors_in
from seatrial.step.capture import Call, Leaf, Out, cut
from seatrial.step.graph import describe
from seatrial.step.recorded import Recorded
from seatrial.step.recorder import Recorder
from seatrial.step.verification import Verifier
from seatrial.taps.backward_lines import BackwardLines
from seatrial.taps.evaluation_graphs import EvaluationGraphs
from seatrial.taps.kept_graphs import KeptGraphs
from seatrial.taps.kept_steps import KeptSteps
from seatrial.taps.loss_values import number_of
from seatrial.taps.models import Models
from seatrial.taps.sketches import send_leaves
from seatrial.taps.units import units_of
from seatrial.taps.watch import Watch

# So many graphs of a line's step are sent while they are dense; afterwards as the schedule has it.
MOST_GRAPHS = 24


class CapturedSteps:
    """The captured steps of a run, and what was learned from them: which models and forward calls losses depend on."""

    def __init__(self, watch: Watch, models: Models, lines: BackwardLines, verify: Verifier | None) -> None:
        self.at_step: list[Callable[[GraphSeen], None]] = []  # told of every captured training step
        self.kept = KeptSteps()
        self.evaluations = EvaluationGraphs(watch, models)
        self.used_models: set[int] = set()  # models, and forward calls of theirs, that a captured loss depended on
        self.used_forwards: set[int] = set()
        self._watch = watch
        self._models = models
        self._lines = lines
        self._verify = verify
        self._kept_graphs = KeptGraphs(watch)
        self._predictions: list[tuple[int, int, Out]] = []

    def recorder(self) -> Recorder:
        """A recorder for a close look that begins, which keeps what is still wanted."""
        self._predictions = []
        recorder = self.kept.recorder(self._models.megabytes, self._verify is not None)
        recorder.origins.parameter_id = self._models.number_of
        recorder.origins.state_names = self._models.state_names()
        recorder.readings.sketch = sketch
        return recorder

    def send(self, recorder: Recorder, losses: tuple[torch.Tensor, ...], call: int, frame: FrameType | None) -> None:
        """Send the captured step that the losses depend on, whose backward is called at `frame`."""
        if recorder.overflow:  # a part of it is not known: what is left would be misread
            self._lines.give_up(call)
            return
        if self._models.in_shards:
            self._watch.not_looked_at(
                "the inside of training steps", "FullyShardedDataParallel keeps parameters in pieces"
            )
            return
        roots = [out for loss in losses if (out := recorder.origins.out_of(loss)) is not None]
        if not roots:
            self._watch.not_looked_at("the step at its backward call", "its loss was made before it could be watched")
            return
        captured = self._lines.captured(call)
        predictions = self._predictions
        _name_leaves(roots, self._models.parameter_names)
        described = describe(
            roots,
            tick=self._watch.tick,
            kind="training",
            call=call,
            model=predictions[-1][0] if predictions else -1,
            value=number_of(losses),
            place=place_of(frame),
            training=self._models.in_training_mode(),
            predictions=[out for _, _, out in predictions],
            exits=recorder.exits,
        )
        seen, roles, program = described.seen, described.roles, described.program
        reached = {id(origin) for origin in program}
        used = [(model, forward) for model, forward, out in predictions if id(out.origin) in reached]
        self.used_models |= {model for model, _ in used}
        self.used_forwards |= {forward for _, forward in used}
        if captured <= MOST_GRAPHS:
            self._watch.graph(seen)
        for listener in self.at_step:
            listener(seen)
        if (units := units_of(seen)) is not None:
            self._watch.send(units)
        send_leaves(self._watch, program, roles, seen.model)
        self._kept_graphs.look(program, losses, recorder.origins.carried)
        kept = [out for _, _, out in predictions if id(out.origin) in reached]
        self.kept.keep(recorder, call, Recorded(program, roots, roles, seen, kept, described.numbers))
        if self._verify is not None:
            self._verify.before_backward(program, roots, losses, call, dict(self._watch.parameters.living()))

    def note_result(
        self, recorder: Recorder, model: int, call: int, result: Any, evaluating: bool, frame: FrameType
    ) -> None:
        """A root module has returned; send its graph if it was evaluated."""
        tensors = tensors_in(result)
        roots = [out for tensor in tensors if (out := recorder.origins.out_of(tensor)) is not None]
        self._predictions += [(model, call, out) for out in roots]
        if len(tensors) == 1 and roots and isinstance(roots[0].origin, Call):
            origin, scores = roots[0].origin, tensors[0].detach()
            alike = {"answered_alike": answered_alike(scores), "one_sided": one_sided(scores)}
            origin.stats = {**origin.stats, **alike}
        if evaluating and roots and not recorder.overflow and self.evaluations.wanted(model):
            self.evaluations.send(roots, model, frame)


def _name_leaves(roots: list[Out], names: dict[int, str]) -> None:
    """Give parameters the names that became known only after they were used (a model is met at its first call)."""
    for origin in cut(roots):
        if isinstance(origin, Leaf) and not origin.name:
            origin.name = names.get(origin.parameter, "")
