"""The trials of a watched run: after the script has ended, and at its first step if that is asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from seatrial.config import Config
from seatrial.events import Event, NotLookedAt
from seatrial.launch.progress import Progress
from seatrial.record import Recorder, read
from seatrial.terminals import on_a_line_of_its_own, printable

if TYPE_CHECKING:
    from seatrial.history import Run
    from seatrial.taps import Watch


@contextmanager
def one_thread() -> Generator[None]:
    """One thread for torch's operations: those of trials are small, and on a busy machine threads wait for each other
    longer than they compute."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@dataclass
class Trials:
    """`name`: full | quick | off. `first`: those that need no more than a step are made at the first one."""

    name: str
    first: bool
    recorder: Recorder
    config: Config
    stderr: Any
    quiet: bool
    _begun: bool = field(default=False, init=False)

    def listen(self, watch: Watch) -> None:
        """Be called at the first step of an optimizer, if wanted."""
        if self.first and self.name != "off" and self.config.budget.trials != 0:
            watch.at_first_step = lambda: self._before_training(watch)

    def load(self, watch: Watch | None) -> None:
        """Import what the first optimizer of a process imports, before the functions registered with atexit are called: among
        them torch's own take down operators that this import asks for. A program that steps by hand has not done it."""
        if self.name == "full" and watch is not None and watch.steps and self.config.budget.trials != 0:
            with suppress(Exception):  # the trials will say what they lack
                import_module("torch._dynamo")

    def after(self, watch: Watch, seconds: float) -> None:
        """The script has ended, after so many seconds."""
        from seatrial.taps.exchanges import nothing_exchanged
        from seatrial.trials import Material, conduct, extent

        if watch.sharded:
            self.recorder.send(NotLookedAt("trials", "each process holds but a part of the parameters", trial=True))
            return
        with nothing_exchanged(), Progress(self.stderr, not self.quiet) as progress:
            given = extent(self.name, seconds, progress.tell, self.config.budget.trials)
            self._send(conduct(Material.of(watch), self._so_far, self.config, given, self._begun))

    def _before_training(self, watch: Watch) -> None:
        """On copies, with the state of all random generators put back, and deaf to what the trials do themselves."""
        from seatrial.step.generators import unmoved
        from seatrial.trials import Material, before_training, extent
        from seatrial.verdict import judge

        self._begun = True
        watch.flush()
        watch.on = False
        try:
            with unmoved(), Progress(self.stderr, not self.quiet) as progress:
                given = extent(self.name, 0.0, progress.tell, self.config.budget.trials)
                self._send(before_training(Material.of(watch), self._so_far, given))
            if not self.quiet:
                alarms = [
                    each for each in judge(self._so_far().events, self.config).findings if each.severity != "note"
                ]
                begin = on_a_line_of_its_own(self.stderr)
                for each in alarms:
                    told = printable(f"seatrial: before training: {each.name}: {each.message}")
                    print(f"{begin}{told}", file=self.stderr)
        except Exception as error:
            self.recorder.send(NotLookedAt("trials at the first step", f"{type(error).__name__}: {error}", trial=True))
        finally:
            watch.on = True

    def _send(self, events: Iterable[Event]) -> None:
        from seatrial.trials import usual_device

        with one_thread(), usual_device():
            for event in events:
                self.recorder.send(event)

    def _so_far(self) -> Run:
        from seatrial.history import Run

        self.recorder.flush()
        return Run.of(read(self.recorder.path))
