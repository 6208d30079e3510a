"""Several processes at one vault at once: every entry stands in the ledger, in order, and nobody is told of damage."""

import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from world import MODEL, PLAN, home, predict, table

from seatrial.errors import UsageProblem
from seatrial.vault.identities import own
from seatrial.vault.vault import Vault

OPENINGS = 3  # of each process


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> Iterator[None]:
    with home(tmp_path / "home"):
        yield


def _open(path: Path, start: Any, said: Any) -> None:
    start.wait()
    try:
        for number in range(OPENINGS):
            Vault(path).open(MODEL, PLAN, f"{os.getpid()} {number}").score(predict)
    except Exception as error:
        said.put(f"{type(error).__name__}: {error}")


def _verify(path: Path, start: Any, said: Any) -> None:
    start.wait()
    try:
        for _ in range(4 * OPENINGS):
            Vault(path).verify()
    except Exception as error:
        said.put(f"{type(error).__name__}: {error}")


def _seal(path: Path, start: Any, said: Any) -> None:
    start.wait()
    try:
        Vault.seal(path.parent / "data.csv", path, target="label")
        said.put("sealed")
    except UsageProblem as problem:
        said.put(problem.slug)


def _identity(path: Path, start: Any, said: Any) -> None:
    start.wait()
    said.put(str(own(path, make=True).card))


def together(path: Path, *works: Callable[[Path, Any, Any], None]) -> list[str]:
    """Let processes do their works at once. Returns what they said."""
    processes = multiprocessing.get_context("fork")  # all is imported already
    start, said = processes.Barrier(len(works)), processes.Queue()
    running = [processes.Process(target=work, args=(path, start, said)) for work in works]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a thread of this process may hold a lock: none is left running
        for process in running:
            process.start()
    for process in running:
        process.join(120)
    assert [process.exitcode for process in running] == [0] * len(works)
    found: list[str] = []
    while not said.empty():
        found.append(said.get())
    said.close()
    said.join_thread()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 8])
def test_all_that_open_at_once_stand_in_the_ledger(tmp_path: Path, processes: int) -> None:
    path = tmp_path / "test.vault"
    Vault.seal(table(tmp_path / "data.csv"), path, target="label")
    assert together(path, *[_open] * processes, _verify) == []
    verified = Vault(path).verify()
    bodies = [each.body for each in verified.entries if each.kind == "opened"]
    looks = [body["look"] for body in bodies]
    scored = [each.body["look"] for each in verified.entries if each.kind == "scored"]
    assert looks == [*range(1, processes * OPENINGS + 1)]
    assert sorted(scored) == looks
    assert len({body["reason"] for body in bodies}) == len(looks)
    assert verified.looks == len(looks)


@pytest.mark.slow
def test_one_of_those_that_seal_at_once_has_the_place(tmp_path: Path) -> None:
    table(tmp_path / "data.csv", rows=3000)
    said = together(tmp_path / "test.vault", _seal, _seal, _seal)
    assert said.count("sealed") == 1
    assert {*said} <= {"sealed", "vault-busy", "vault-exists"}
    assert Vault(tmp_path / "test.vault").verify().looks == 0
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"data.csv", "data-training.csv", "test.vault", "test.vault.ledger", "home"}


@pytest.mark.slow
def test_those_that_make_an_identity_at_once_have_the_same(tmp_path: Path) -> None:
    assert len({*together(tmp_path / "new", _identity, _identity, _identity)}) == 1
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"identity.txt", "signing.pem"}
