"""Worker processes of this machine, one a device. One that dies is replaced; what it was at is made by another."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Generator
from multiprocessing.process import BaseProcess

from seatrial.errors import UsageProblem
from seatrial.practice.search.worker import Workplace, work

_LOOK = 0.2  # seconds between two looks at the workers
_MOST_DEATHS = 5  # of workers in a row without any work done
_SHARED = "OMP_NUM_THREADS"
_DEVICES = "CUDA_VISIBLE_DEVICES"


def default_workers(accelerator: str) -> int:
    """One a device."""
    import torch

    return max(1, torch.cuda.device_count()) if accelerator in ("auto", "cuda", "gpu") else 1


def run(place: Workplace, count: int, progress: Callable[[], int]) -> None:
    """Let so many processes work until the search is over.

    Args:
        progress: is called now and then; returns how much is done.

    Raises:
        UsageProblem: the workers cannot work.
    """
    workers = [_started(place, at, count) for at in range(count)]
    deaths, done = 0, 0
    try:
        while any(each.exitcode != 0 for each in workers):
            time.sleep(_LOOK)
            now = progress()
            deaths, done = (deaths, done) if now == done else (0, now)
            for at, each in enumerate(workers):
                if each.exitcode in (None, 0):
                    continue
                deaths += 1
                if each.exitcode > 0 or deaths > _MOST_DEATHS:
                    raise _gave_up(each.exitcode, deaths)
                workers[at] = _started(place, at, count)
        progress()
    finally:
        _end(workers)


def _started(place: Workplace, at: int, count: int) -> BaseProcess:
    with _environment(at, count):
        process = multiprocessing.get_context("spawn").Process(target=work, args=(place,), name=f"search worker {at}")
        try:
            process.start()
        except (AttributeError, TypeError, ValueError) as error:  # as pickle says that it cannot
            raise UsageProblem(
                f"Expected a task or function that other processes can be given, found one that cannot: {error}.",
                "search-not-importable",
                "Define it at the top of a module, use workers=0, or describe it in a file: seatrial search task.py.",
            ) from error
    return process


@contextlib.contextmanager
def _environment(at: int, count: int) -> Generator[None]:
    """What a worker is born with: a device of its own where there are several, its share of the processors."""
    import torch

    before = dict(os.environ)
    devices = [each for each in before.get(_DEVICES, "").split(",") if each]
    devices = devices or [str(number) for number in range(torch.cuda.device_count())]
    if len(devices) > 1:
        os.environ[_DEVICES] = devices[at % len(devices)]
    os.environ.setdefault(_SHARED, str(max(1, (os.cpu_count() or 1) // count)))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _gave_up(status: int, deaths: int) -> UsageProblem:
    if status > 0:
        return UsageProblem(
            "Expected workers that work, found one that ended with an error.",
            "search-worker",
            "What it said stands above. What is done is kept: the same command goes on.",
        )
    return UsageProblem(
        f"Expected workers that work, found {deaths} that were killed one after the other (signal {-status}).",
        "search-worker",
        "Is there enough memory for so many of them? The same command goes on with what is done.",
    )


def _end(workers: list[BaseProcess]) -> None:
    """They leave their trainings to others and end; who does not is ended."""
    for each in workers:
        if each.is_alive():
            each.terminate()
    for each in workers:
        each.join(20)
        if each.is_alive():
            each.kill()
            each.join()
