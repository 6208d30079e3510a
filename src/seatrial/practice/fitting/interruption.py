"""Ctrl-C and SIGTERM while a task trains: it stops after the batch, from where it can go on bit for bit."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

# Only where nobody else listens: the handlers that Python itself puts there.
_DEFAULTS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class Terminated(KeyboardInterrupt):
    """SIGTERM came; the process is to end by it, once its files are closed."""


class Interruption:
    """Remembers that a signal came. The second one has its usual effect at once."""

    def __init__(self) -> None:
        self.came: int = 0
        self._ours: list[signal.Signals] = []

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number, default in _DEFAULTS.items():
                if signal.getsignal(number) == default:
                    signal.signal(number, self._heard)
                    self._ours.append(number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._back()

    def stop(self) -> None:
        """Raise what stands for the signal that came (here, or in another process).

        Raises:
            KeyboardInterrupt: always; `Terminated` after SIGTERM.
        """
        raise Terminated if self.came == signal.SIGTERM else KeyboardInterrupt

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.came = number
        self._back()

    def _back(self) -> None:
        for number in self._ours:
            signal.signal(number, _DEFAULTS[number])
        self._ours.clear()
