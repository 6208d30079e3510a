"""kill -9 of workers at random moments: does a search lose anything, and does it come to the same end?

    python benchmarks/search_kill.py [journal] [postgresql] [ray] [--trials 64] [--kills 10]

A search on two workers is run once without kills, by one process, and then for each storage with kills. Prints a table: trainings
that were planned, that have a figure, that are lost, attempts, and whether all figures are bit for bit those of the search that nobody
disturbed. Ends with 1 if anything was lost or differs, or was not over in time. PostgreSQL is started from its binaries, in a folder of
its own, and stopped afterwards.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from seatrial.practice.search.board import Board, is_end
from seatrial.practice.search.owner import process_of
from seatrial.practice.search.searching import search
from seatrial.practice.search.settings import SearchSettings
from seatrial.practice.search.storage import JOURNAL, opened
from seatrial.practice.search.work import Record

NAME = "kills"
POSTGRESQL = Path("/usr/lib/postgresql")
TASK = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from seatrial import Task

x = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
data = TensorDataset(x[:64], (x.sum(1) > 0).long()[:64])
held_out = TensorDataset(x[64:], (x.sum(1) > 0).long()[64:])


def space(trial):
    rate = trial.suggest_float("rate", 1e-3, 1.0, log=True)
    momentum = trial.suggest_float("momentum", 0.0, 0.9)
    return Task(
        lambda: nn.Linear(4, 2),
        nn.CrossEntropyLoss(),
        data,
        validation=held_out,
        optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum),
    )
"""


@dataclass(frozen=True)
class Outcome:
    """What is left of a search after so many kills."""

    kills: int
    planned: int
    with_figure: int
    attempts: int
    record: Record
    finished: bool

    @property
    def lost(self) -> int:
        return self.planned - self.with_figure


def main() -> int:
    options = _arguments()
    settings = settings_for(options.trials)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        task = folder / "task.py"
        task.write_text(TASK)
        start = time.monotonic()
        calm = search(str(task), settings=settings, out=folder / "calm", progress=False).record
        print(f"{len(calm.results)} trainings without kills, one process: {time.monotonic() - start:.0f} s\n")
        print(f"{'storage':>12}  {'kills':>5}  {'planned':>7}  {'figures':>7}  {'lost':>4}  {'attempts':>8}  {'same figures':>12}  seconds")  # fmt: skip
        failed = 0
        for storage in options.storages:
            start = time.monotonic()
            found = _with(storage, folder, task, settings, options)
            same = figures(found.record) == figures(calm)
            well = found.finished and not found.lost and same
            failed += not well
            print(
                f"{storage:>12}  {found.kills:5}  {found.planned:7}  {found.with_figure:7}  {found.lost:4}  {found.attempts:8}  "
                f"{'yes' if same else 'NO':>12}  {time.monotonic() - start:.0f}{'' if found.finished else '  NOT OVER IN TIME'}",
                flush=True,
            )
            for each in found.record.results:
                if each.why:
                    print(f"{'':>12}  lost: {each.stage} #{each.job.candidate} seed {each.job.seed}: {each.why}: {each.said}", flush=True)  # fmt: skip
    return 1 if failed else 0


def settings_for(trials: int) -> SearchSettings:
    """Of so many candidates at random, and half as many more near the best ones where that is worth it."""
    return SearchSettings(trials=round(trials * 1.5), epochs=1, leaders=2, seeds=2, accelerator="cpu")


def figures(record: Record) -> dict[tuple[object, ...], float]:
    """The figure of each training."""
    return {(each.stage, each.job): each.figure for each in record.results}


def disturbed(
    arguments: list[str], where: str, kills: int, trainings: int, moments: random.Random, limit: float
) -> Outcome:
    """Run the command line of a search and kill its workers, at moments spread over its trainings.

    Args:
        where: its storage.
        trainings: about how many there will be.
        limit: seconds after which it is given up.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "RAY_DISABLE_IMPORT_WARNING": "1"}
    command = [sys.executable, "-m", "seatrial", "search", "--quiet", "--name", NAME, *arguments]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    due = sorted(moments.randrange(1, max(2, trainings - 4)) for _ in range(kills))
    end = time.monotonic() + limit
    killed = 0
    try:
        with opened(where) as storage:
            board = Board(storage, NAME)
            while child.poll() is None and time.monotonic() < end:
                time.sleep(moments.uniform(0.0, 0.3))
                stages = board.stages()
                if not stages or is_end(stages) or killed == kills:
                    continue
                done = sum(each is not None for stage in stages for each in board.results(stage))
                if done >= due[killed]:
                    killed += _kill_one(board, moments)
            record = board.record()
            return _outcome(board, record, killed, child.poll() is not None)
    finally:
        if child.poll() is None:
            child.terminate()
        child.wait()


def _kill_one(board: Board, moments: random.Random) -> bool:
    """Kill the worker of one of the trainings that are being made."""
    running = board.running(board.stages()[-1])
    if not running:
        return False
    process = process_of(moments.choice(running).user_attrs["owner"])
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
        return True
    return False


def _outcome(board: Board, record: Record, killed: int, finished: bool) -> Outcome:
    planned = sum(len(stage.jobs) for stage in record.stages)
    with_figure = sum(not each.why for each in record.results)
    attempts = sum(each.attempts for each in record.results)
    return Outcome(killed, planned, with_figure, attempts, record, finished and is_end(record.stages))


def _with(storage: str, folder: Path, task: Path, settings: SearchSettings, options: argparse.Namespace) -> Outcome:
    out = folder / storage
    out.mkdir()
    arguments = ["--out", str(out), "--workers", "2", "--trials", str(settings.trials), "--epochs", "1"]
    arguments += ["--leaders", "2", "--seeds", "2", "--accelerator", "cpu"]
    moments = random.Random(options.seed)
    with contextlib.ExitStack() as stack:
        where = str(out / JOURNAL)
        if storage == "postgresql":
            where = stack.enter_context(postgresql(folder / "server"))
            arguments += ["--storage", where]
        if storage == "ray":
            arguments += ["--ray", "local"]
        return disturbed([*arguments, str(task)], where, options.kills, options.trials, moments, options.limit)


def postgresql_folder() -> Path | None:
    """Where the server's binaries are; None where there are none."""
    found = sorted(POSTGRESQL.glob("*/bin/initdb"))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


@contextlib.contextmanager
def postgresql(folder: Path) -> Generator[str]:
    """A server in a folder of its own; its address. It refuses to run for root: then it runs for the user postgres."""
    binaries = postgresql_folder()
    if binaries is None:
        raise FileNotFoundError("PostgreSQL's initdb is nowhere to be found")
    folder.mkdir(mode=0o755)
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    run = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "check": True}
    subprocess.run([binaries / "initdb", "-D", data, "-A", "trust", "-U", "searcher", "--no-sync"], **run)
    control = [binaries / "pg_ctl", "-D", data, "-w"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    subprocess.run([*control, "-l", folder / "log", "-o", options, "start"], **run)
    try:
        yield f"postgresql://searcher@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], **run)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = ["journal", "postgresql", "ray"]
    parser.add_argument("storages", nargs="*", help=f"some of {', '.join(known)}; all if none is named")
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds for each, after which it is given up")
    found = parser.parse_args()
    found.storages = found.storages or known
    if wrong := set(found.storages) - set(known):
        parser.error(f"no such storage: {', '.join(wrong)}")
    return found


if __name__ == "__main__":
    sys.exit(main())
