"""A process that seals or opens is killed at some moment: what is left must be the old state or the new one."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from world import MARKER, home, table

from seatrial.cli import INTERRUPTED, main
from seatrial.errors import UsageProblem
from seatrial.vault import ledger
from seatrial.vault.vault import Vault

TRAINING = ("training", "data-training.csv", ".data-training.csv.sealing", "data.csv")
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "sqlite3.connect")
PREDICTOR = "def predictor(weights):\n    return lambda inputs: (inputs['x'] > 0.5).astype(int)\n"


class Torn(AssertionError):
    """Neither the old state nor the new one."""


@dataclass(frozen=True)
class Place:
    """A folder with a table, a model and a predictor, and an identity besides."""

    folder: Path
    apart: bool = False  # whether the training part is written to a folder of its own

    @property
    def data(self) -> Path:
        return self.folder / "data.csv"

    @property
    def vault(self) -> Path:
        return self.folder / "test.vault"

    @property
    def training(self) -> Path:
        return self.folder / ("apart/data-training.csv" if self.apart else "data-training.csv")

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def said(self) -> Path:
        """What the last command wrote."""
        return self.folder / "said.txt"

    def made(self) -> tuple[bool, bool, bool]:
        return self.vault.exists(), ledger.ledger_of(self.vault).exists(), self.training.exists()

    def seal(self) -> Vault:
        """In this process; `home` must be set."""
        return Vault.seal(self.data, self.vault, target="label", training=self.training).vault


def place(folder: Path, rows: int, *, apart: bool = False) -> Place:
    """Make it."""
    made = Place(folder, apart)
    made.training.parent.mkdir(exist_ok=True)
    made.temporary.mkdir()
    table(made.data, rows)
    np.save(folder / "weights.npy", np.zeros(3))
    (folder / "predictor.py").write_text(PREDICTOR)
    return made


def sealing(where: Place) -> list[str]:
    places = "--to", str(where.vault), "--training", str(where.training)
    return ["vault", "seal", str(where.data), *places, "--target", "label"]


def opening(where: Place) -> list[str]:
    files = "--model", str(where.folder / "weights.npy"), "--predictor", str(where.folder / "predictor.py")
    return ["vault", "open", str(where.vault), *files, "--reason", "to see"]


def run(
    where: Place,
    command: list[str],
    kill: tuple[float, signal.Signals] | None = None,
    before_change: int | None = None,
) -> float | None:
    """Run a command in a process that is forked from this one, where all is imported already; killed after some seconds, or before
    so many changes of the file system, if that is asked for. All the while no plain copy of the test data may lie anywhere.

    Returns:
        how many seconds it took; None where it was killed.
    """
    for module in ("sealing", "vault", "opening", "sources.csv"):
        importlib.import_module(f"seatrial.vault.{module}")
    importlib.import_module("scipy.stats")
    process, began = _forked(where, command, before_change), time.monotonic()
    with watched(where):
        if kill is not None:
            time.sleep(kill[0])
            os.kill(process, kill[1])
        _, status = os.waitpid(process, 0)
    took, said = time.monotonic() - began, where.said.read_text()
    if "Traceback" in said:
        raise Torn(said)
    return None if os.WIFSIGNALED(status) else took


def _forked(where: Place, command: list[str], before_change: int | None) -> int:
    """The process in which a command runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a thread of this process may hold a lock: none is left running
        process = os.fork()
    if process:
        return process
    try:
        sys.stdout = sys.stderr = where.said.open("w", buffering=1)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ |= {"SEATRIAL_HOME": str(where.folder / "home"), "TMPDIR": str(where.temporary)}
        sys.argv[1:] = command
        if before_change is not None:
            sys.addaudithook(_Killer(before_change))
        main()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
    except BaseException:
        traceback.print_exc()
    os._exit(1)


class _Killer:
    """Kills its process before it changes the file system once more."""

    def __init__(self, changes: int) -> None:
        self._left = changes

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in CHANGES or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1


def check_sealing(where: Place, before: bytes) -> str:
    """After a sealing was killed: what is left, "old" or "new". It is cleared away again."""
    if where.data.read_bytes() != before:
        raise Torn("the data were changed")
    if any(where.made()) or (where.folder / f".{where.vault.name}.sealed").exists():
        with home(where.folder / "home"):
            found = Vault(where.vault).verify()  # moves what was not moved yet
        if not all(where.made()) or len(found.entries) != 1:
            raise Torn(f"of vault, ledger and training part there are {where.made()}")
        state = "new"
    else:
        with home(where.folder / "home"):
            _refused(where)
            if any(path.suffix == ".sealing" for path in where.folder.rglob("*")):
                raise Torn("what was half written is not cleared away")
            where.seal().verify()
        state = "old"
    _check_parts(where)
    check_clean(where)
    for path in (where.vault, ledger.ledger_of(where.vault), where.training):
        path.unlink()
    shutil.rmtree(where.folder / "home")
    return state


def _refused(where: Place) -> None:
    try:
        Vault(where.vault)
    except UsageProblem as problem:
        if problem.slug != "vault-no-file":
            raise Torn(str(problem)) from problem
    else:
        raise Torn("a vault where none is")


def _check_parts(where: Place) -> None:
    """Every row stands in the training part or is sealed."""
    with home(where.folder / "home"):
        sizes = Vault(where.vault).log()[0].body["data"]["examples"]
    rows = where.training.read_bytes().count(MARKER.encode())
    if rows != sizes["training"] or rows + sizes["test"] != where.data.read_bytes().count(MARKER.encode()):
        raise Torn(f"{rows} rows for training where {sizes} were sealed")


def check_opening(where: Place, before: int) -> tuple[int, str]:
    """After an opening was killed that found so many entries: how many there are now, and which are new."""
    with home(where.folder / "home"):
        entries = Vault(where.vault).verify().entries
    new = " and ".join(each.kind for each in entries[before:]) or "none"
    if new not in ("none", "opened", "opened and scored"):
        raise Torn(f"new entries: {new}")
    return len(entries), new


def check_clean(where: Place) -> None:
    """Nothing is left over, anywhere."""
    expected = {
        "data.csv",
        "data-training.csv",
        "test.vault",
        "test.vault.ledger",
        "home",
        "tmp",
        "weights.npy",
        "predictor.py",
        "said.txt",
    }
    found = {path.name for path in where.folder.iterdir()} - {"__pycache__", "apart"}
    found |= {path.name for path in where.training.parent.iterdir()} - {"apart", "__pycache__"}
    homes = {path.name for path in (where.folder / "home").iterdir()}
    left = (found - expected) | (homes - {"identity.txt", "signing.pem", "heads.sqlite"}) | {*where.temporary.iterdir()}
    if left:
        raise Torn(f"left over: {left}")


@contextmanager
def watched(where: Place) -> Generator[None]:
    """Within it no file holds rows of the table but the table itself and the training part, where that is written."""
    found: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            found.extend(plain_copies(where))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        found.extend(plain_copies(where))
    if found:
        raise Torn(f"plain copies in {set(found)}")


def plain_copies(where: Place) -> list[str]:
    """Files that hold rows, other than those that should."""
    found: list[str] = []
    for folder, _, names in os.walk(where.folder):
        for path in (Path(folder) / name for name in names if name not in TRAINING):
            with suppress(OSError):  # it is gone meanwhile
                if MARKER.encode() in path.read_bytes():
                    found.append(str(path))
    return found
