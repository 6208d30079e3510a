"""A callback for the Trainer of transformers: `Trainer(..., callbacks=[SeatrialCallback("runs/a")])`."""

from __future__ import annotations

import os
from typing import Any

from transformers import TrainerCallback

from seatrial.practice.monitor import Monitor


class SeatrialCallback(TrainerCallback):
    """Monitors `trainer.train`. `monitor` has the figures meanwhile and the verdict afterwards.

    The Trainer tells no callback of an exception: then `callback.monitor.stop()` ends the watch; so does the next training.
    """

    def __init__(
        self, out: str | os.PathLike[str] | None = None, *, tensorboard: bool = False, quiet: bool = False
    ) -> None:
        """Arguments as of `Monitor`."""
        self.monitor = Monitor(out, tensorboard=tensorboard, quiet=quiet)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin, in the first process."""
        if state.is_world_process_zero:
            self.monitor.stop()
            self.monitor.start()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End and report."""
        self.monitor.stop()
