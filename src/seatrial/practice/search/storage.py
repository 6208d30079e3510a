"""Where a search is written down: a journal in a file, for processes of one machine; or a PostgreSQL server, for any number of them."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.errors import UsageProblem
from seatrial.practice.refusal import refused
from seatrial.practice.search.quietly import quietly

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "search.journal"


def open_storage(where: str) -> BaseStorage:
    """Open what is there, or begin it.

    Args:
        where: the path of a journal, or postgresql://USER:PASSWORD@HOST/DATABASE.

    Raises:
        UsageProblem: Optuna or a driver is not installed, or the server does not answer.
    """
    _require(("optuna",), "a search", "search-no-optuna", "seatrial[search]")
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if "://" in where:
        return _database(where)
    Path(where).parent.mkdir(parents=True, exist_ok=True)
    lock: Any = _lock(where)
    with quietly():
        return JournalStorage(JournalFileBackend(where, lock))


def without_password(where: str) -> str:
    """The address as it may be shown."""
    scheme, _, rest = where.partition("://")
    login, at, host = rest.rpartition("@")
    return f"{scheme}://{login.partition(':')[0]}{at}{host}" if at else where


def _database(where: str) -> BaseStorage:
    from optuna.exceptions import StorageInternalError
    from optuna.storages import RDBStorage

    scheme, _, rest = where.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        hint = "For one machine leave --storage out; for several: --storage postgresql://USER:PASSWORD@HOST/DATABASE."
        raise refused("a storage postgresql://...", f"{scheme}://...", "search-storage", hint)
    _require(("sqlalchemy", "psycopg"), "--storage", "search-no-postgresql", "seatrial[search,postgresql]")
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with quietly():
            return RDBStorage(f"postgresql+psycopg://{rest}", engine_kwargs={"pool_pre_ping": True})
    except (SQLAlchemyError, StorageInternalError) as error:
        said = " ".join(str(error.__cause__ or error).split())[:300]
        hint = "Does the server run, may this user write, does the database exist?"
        raise refused(f"a database at {without_password(where)}", said, "search-storage", hint) from error


def _require(packages: tuple[str, ...], what: str, slug: str, extra: str) -> None:
    for package in packages:
        if importlib.util.find_spec(package) is None:
            said = f"Expected the package {package}, which {what} needs, found it not installed."
            raise UsageProblem(said, slug, f"pip install '{extra}'")


def _lock(path: str) -> Any:
    """A lock that the system takes back from a process that dies (flock), where there is one. Optuna's own is a file that a killed
    process leaves behind; the others wait for half a minute then."""
    try:
        import fcntl
    except ImportError:
        return None

    class Lock:
        def __init__(self) -> None:
            self._handle = -1

        def acquire(self) -> bool:
            handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._handle = handle
            _mend(path)
            return True

        def release(self) -> None:
            os.close(self._handle)

    return Lock()


def _mend(path: str) -> None:
    """Cut off a line that a killed process has written in part: with it no line after it could be read."""
    with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        for size in (1, 4096, end):
            start = max(0, end - size)
            file.seek(start)
            tail = file.read(end - start)
            if tail.endswith(b"\n") or not tail:
                return
            whole = tail.rfind(b"\n") + 1
            if size > 1 and (whole or start == 0):
                file.truncate(start + whole)
                return


@contextlib.contextmanager
def opened(where: str) -> Generator[BaseStorage]:
    """The storage, its connections closed afterwards."""
    storage = open_storage(where)
    try:
        yield storage
    finally:
        storage.remove_session()
        engine = getattr(storage, "engine", None)
        if engine is not None:
            engine.dispose()
