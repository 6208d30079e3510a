"""A monitor for ignite's engines: `attach(trainer, "runs/a")`."""

from __future__ import annotations

import os

from ignite.engine import Engine, Events

from seatrial.practice.monitor import Monitor


def attach(
    trainer: Engine, out: str | os.PathLike[str] | None = None, *, tensorboard: bool = False, quiet: bool = False
) -> Monitor:
    """Monitor each `trainer.run`, from its start to its end, also where that is an exception.

    Returns the monitor: it has the figures meanwhile and the verdict afterwards. Arguments as of `Monitor`.
    """
    monitor = Monitor(out, tensorboard=tensorboard, quiet=quiet)

    def begin() -> None:
        monitor.stop()
        monitor.start()

    def end() -> None:
        monitor.stop()

    def fail(error: BaseException) -> None:
        monitor.stop(error)
        if len(trainer._event_handlers[Events.EXCEPTION_RAISED]) == 1:  # ignite raises it only where nobody listens
            raise error

    trainer.add_event_handler(Events.STARTED, begin)
    trainer.add_event_handler(Events.COMPLETED, end)
    trainer.add_event_handler(Events.TERMINATE, end)
    trainer.add_event_handler(Events.EXCEPTION_RAISED, fail)
    return monitor
