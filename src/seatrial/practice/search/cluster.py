"""Workers on a Ray cluster: Ray chooses their places, gives them processors and devices, and starts those anew that die.

All machines need the file of the task and the storage: --storage postgresql://..., or a folder that all of them share.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.practice.refusal import refused
from seatrial.practice.search.worker import Workplace, work_on

LOCAL = "local"
_LOOK = 0.2  # seconds between two looks at the board
_MEMORY = 100 * 2**20  # bytes of the object store that a local cluster gets: nothing is put into it


def run(place: Workplace, address: str, count: int, progress: Callable[[], int]) -> None:
    """Let workers of a cluster work until the search is over.

    Args:
        address: of its head, "auto", or "local" for one on this machine that ends with the search.
        count: workers; 0: as many as the cluster has devices, or processors where it has none.
        progress: is called now and then.

    Raises:
        UsageProblem: Ray is not installed, there is no cluster, or the workers cannot work.
    """
    ray = _ray()
    started = not ray.is_initialized()
    with _signals_kept():
        if started:
            _connect(ray, address, count)
        try:
            _run(ray, place, count, progress)
        finally:
            if started:
                ray.shutdown()


@contextmanager
def _signals_kept() -> Generator[None]:
    """Ray listens to SIGTERM, also when it has been shut down; afterwards whoever listened before does so again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: somebody else's, not Python's
                signal.signal(number, handler)


def _run(ray: Any, place: Workplace, count: int, progress: Callable[[], int]) -> None:
    has = ray.cluster_resources()
    devices = int(has.get("GPU", 0))
    wanted = count or devices or max(1, int(has.get("CPU", 1)))
    # Ray starts a worker anew whose process dies, as often as it takes; errors of ours are told.
    remote = ray.remote(num_cpus=1, num_gpus=1 if devices else 0, max_retries=-1, retry_exceptions=False)(_work)
    waiting = [remote.remote(place) for _ in range(wanted)]
    try:
        while waiting:
            over, waiting = ray.wait(waiting, timeout=_LOOK)
            progress()
            for each in over:
                ray.get(each)
    except ray.exceptions.RayTaskError as error:
        said = str(error.cause)
        hint = "The file of the task and the storage must be there on all machines, under the same path."
        raise refused("workers that work", said, "search-worker", hint) from error
    finally:
        for each in waiting:
            ray.cancel(each, force=True)


def _work(place: Workplace) -> None:
    work_on(place, place.source.load())


def _connect(ray: Any, address: str, count: int) -> None:
    import warnings

    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if address == LOCAL:
        processors = max(count, os.cpu_count() or 1)
        settings |= {"num_cpus": processors, "include_dashboard": False, "object_store_memory": _MEMORY}
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(address=address, **settings)
    except (ConnectionError, RuntimeError, ValueError) as error:
        hint = "Start one with `ray start --head`, or give --ray local."
        raise refused(f"a Ray cluster at {address}", str(error), "search-ray", hint) from error


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UsageProblem(
            "Expected the package ray for --ray, found it not installed.",
            "search-no-ray",
            "pip install 'seatrial[search,ray]'",
        ) from None
    return ray
