"""A callback for skorch's nets: `NeuralNetClassifier(..., callbacks=[("seatrial", SeatrialCallback("runs/a"))])`."""

from __future__ import annotations

import os
from typing import Any

from skorch.callbacks import Callback

from seatrial.practice.monitor import Monitor


class SeatrialCallback(Callback):
    """Monitors `net.fit` (and `partial_fit`). `monitor_` has the figures meanwhile and the verdict afterwards.

    skorch tells no callback of an exception: then `callback.monitor_.stop()` ends the watch; so does the next training. What
    is cloned for a search or a cross-validation monitors each of its trainings by itself: give no folder then.
    """

    def __init__(
        self, out: str | os.PathLike[str] | None = None, *, tensorboard: bool = False, quiet: bool = False
    ) -> None:
        """Arguments as of `Monitor`."""
        self.out = out
        self.tensorboard = tensorboard
        self.quiet = quiet

    def initialize(self) -> SeatrialCallback:
        """Called by skorch when a net is initialised: a monitor of its own. One that an exception left open is ended."""
        if "monitor_" in vars(self):
            self.monitor_.stop()
        self.monitor_ = Monitor(self.out, tensorboard=self.tensorboard, quiet=self.quiet)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """What is cloned or pickled with the net: not the monitor."""
        return {name: value for name, value in vars(self).items() if name != "monitor_"}

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:  # noqa: N803
        """Begin."""
        self.monitor_.stop()
        self.monitor_.start()

    def on_train_end(self, net: Any, X: Any = None, y: Any = None, **kwargs: Any) -> None:  # noqa: N803
        """End and report."""
        self.monitor_.stop()
