"""A callback for Lightning's Trainer: `Trainer(callbacks=[SeatrialCallback("runs/a")])`."""

from __future__ import annotations

import os
from typing import Any

from pytorch_lightning import Callback

from seatrial.practice.monitor import Monitor


class SeatrialCallback(Callback):
    """Monitors `trainer.fit`, from before its optimizers are made to its end. `monitor` has the figures meanwhile and the verdict afterwards."""

    def __init__(
        self, out: str | os.PathLike[str] | None = None, *, tensorboard: bool = False, quiet: bool = False
    ) -> None:
        """Arguments as of `Monitor`."""
        self.monitor = Monitor(out, tensorboard=tensorboard, quiet=quiet)

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Begin, in the first process."""
        if stage == "fit" and trainer.is_global_zero:
            self.monitor.start()

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """End and report."""
        if stage == "fit":
            self.monitor.stop()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """End and report what was seen until then."""
        self.monitor.stop(exception)
