"""Steps that are kept with the values of their leaves, for experiments after the script has ended."""

from __future__ import annotations

from seatrial.measure.access import held_bytes
from seatrial.step.readings import Readings
from seatrial.step.recorded import Recorded, data_leaves
from seatrial.step.recorder import Recorder

# A step of more values than this is not kept.
KEPT_MEGABYTES = 64
# Of the batches of later steps so much is kept.
BATCH_MEGABYTES = 16


class KeptSteps:
    """The first step of each backward call, whole; of later ones of the same make their data."""

    def __init__(self) -> None:
        self.steps: dict[int, Recorded] = {}
        self._batch_bytes = 0

    def recorder(self, megabytes: float, verifying: bool) -> Recorder:
        """A recorder that keeps what is still wanted; `megabytes` is the size of the models."""
        wanted = not self.steps or verifying
        return Recorder(
            Readings(
                keep_values=wanted and megabytes < KEPT_MEGABYTES, keep_data=self._batch_bytes < BATCH_MEGABYTES * 2**20
            )
        )

    def keep(self, recorder: Recorder, call: int, step: Recorded) -> None:
        """Keep a captured step if it is the first of its call, else its data if they are of the same shapes."""
        held = [leaf.value for leaf in data_leaves(step.program)]
        if any(value is None for value in held):
            return
        first = self.steps.get(call)
        if first is None:
            if recorder.readings.keep_values and recorder.readings.kept_bytes < KEPT_MEGABYTES * 2**20:
                step.batches.append(held)
                self.steps[call] = step
            return
        size = sum(held_bytes(value) for value in held)
        alike = [(v.shape, v.dtype) for v in held] == [(v.shape, v.dtype) for v in first.batches[0]]
        if alike and self._batch_bytes + size < BATCH_MEGABYTES * 2**20:
            self._batch_bytes += size
            first.batches.append(held)
