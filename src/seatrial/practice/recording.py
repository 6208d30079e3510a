"""A training as a run on disk: watched as a script is, from its start to its end."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable, Generator
from pathlib import Path

import seatrial
from seatrial.events import Event, RunEnded, RunStarted
from seatrial.launch.ending import users_place
from seatrial.practice.task import Task
from seatrial.record import Recorder
from seatrial.taps import Watch, install


def _as_it_is(event: Event) -> Event:
    return event


@contextlib.contextmanager
def recorded(
    recorder: Recorder,
    task: Task,
    file: str,
    heard: Callable[[Event], Event] = _as_it_is,
    looks: float | None = None,
) -> Generator[Watch]:
    """A task's training: the taps are in torch within, and gone afterwards, come what may.

    Args:
        file: in which the task is described; "" where there is none.
        heard: what becomes of an event on its way to the record.
        looks: as of `taps.install`.
    """
    script = os.path.relpath(file) if file else task.name or "task"
    argv = (task.name,) if task.name and file else ()
    with watched(recorder, script, argv, heard, looks=looks) as watch:
        for place in task.places.values():
            watch.source(place)
        yield watch


@contextlib.contextmanager
def watched(
    recorder: Recorder,
    script: str,
    argv: tuple[str, ...] = (),
    heard: Callable[[Event], Event] = _as_it_is,
    within: bool = False,
    looks: float | None = None,
) -> Generator[Watch]:
    """What happens within is recorded, from its start to its end.

    Args:
        script, argv, within: as of `events.RunStarted`.
        heard: what becomes of an event on its way to the record.
        looks: as of `taps.install`.
    """
    version, folder = platform.python_version(), str(Path.cwd())
    recorder.send(RunStarted(script, argv, time.time(), seatrial.__version__, version, folder, within))
    start = time.monotonic()
    watch = install(lambda event: recorder.send(heard(event)), looks=looks)
    status, exception, where = "completed", "", None
    try:
        yield watch
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        exception = f"{type(error).__name__}: {error}"
        where = watch.source(users_place(error.__traceback__))
        raise
    finally:
        seconds = time.monotonic() - start
        watch.finish()
        watching = recorder.seconds + watch.seconds
        steps = watch.optimizer_steps
        recorder.send(RunEnded(status, int(bool(exception)), exception, where, watch.tick, steps, seconds, watching))
        recorder.flush()


def source_of(task: Task) -> tuple[str, str]:
    """The file in which a task is described and its text; "" where there is none on disk, as in a notebook."""
    place = task.places.get("")
    if place is None or not Path(place.file).is_file():
        return "", ""
    return place.file, Path(place.file).read_text(encoding="utf-8", errors="replace")
