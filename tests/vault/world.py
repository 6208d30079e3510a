"""Vaults with some history, in a folder of their own, for tests of what is refused."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seatrial.vault import ledger
from seatrial.vault.identities import Identity, own
from seatrial.vault.opening import Opening
from seatrial.vault.plan import Plan
from seatrial.vault.vault import Vault

MARKER = "Zx8Qk3"  # stands in every row
MODEL = {"weights": np.arange(3.0)}
PLAN = Plan(["accuracy"], {"accuracy": 0.5})


def table(path: Path, rows: int = 200, seed: int = 0) -> Path:
    """A CSV file with two numbers, a name and a label a row."""
    numbers = np.random.default_rng(seed).random((rows, 2))
    lines = (f"{x:.6f},{y:.6f},{MARKER}-{number:07},{number % 2}" for number, (x, y) in enumerate(numbers))
    path.write_text("\n".join(["x,y,name,label", *lines]) + "\n")
    return path


def predict(inputs: Mapping[str, Any]) -> Any:
    """A model of the table."""
    return (np.asarray(inputs["x"]) > 0.5).astype(int)


@contextmanager
def home(folder: Path) -> Generator[None]:
    """The user's own folder is this one."""
    before = os.environ.get("SEATRIAL_HOME")
    os.environ["SEATRIAL_HOME"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("SEATRIAL_HOME") if before is None else os.environ.update(SEATRIAL_HOME=before)


@dataclass(frozen=True)
class World:
    """A vault with three openings, two of them scored; the third is `opening`.

    states    its ledger as it was after each entry.
    other     the sealed file and the ledger of another vault of the same owner, with one opening.
    stranger  somebody else's identity, in a folder of its own.
    """

    folder: Path
    path: Path
    sealed: bytes
    states: tuple[bytes, ...]
    opening: Opening
    other: tuple[bytes, bytes]
    owner: Identity
    stranger: Identity

    @property
    def ledger(self) -> bytes:
        return self.states[-1]

    @property
    def lines(self) -> list[bytes]:
        return self.ledger.splitlines()

    def restore(self) -> None:
        """Both files are as they were."""
        self.put(self.sealed, self.ledger)

    def put(self, sealed: bytes | None, entries: bytes | None) -> None:
        """Both files get this content, or are removed."""
        for path, content in ((self.path, sealed), (ledger.ledger_of(self.path), entries)):
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)


def build(folder: Path, rows: int = 200) -> World:
    """Make it. `SEATRIAL_HOME` must be `folder / "home"` while it is used."""
    path = folder / "test.vault"
    vault = Vault.seal(table(folder / "data.csv", rows), path, target="label").vault
    states = [*_history(vault, scored=2)]
    opening = vault.open(MODEL, PLAN, "the third")
    states.append(ledger.ledger_of(path).read_bytes())
    other_path = folder / "other.vault"
    other = Vault.seal(table(folder / "more.csv", rows, seed=1), other_path, target="label").vault
    for _ in _history(other, scored=1):
        pass
    others = other_path.read_bytes(), ledger.ledger_of(other_path).read_bytes()
    stranger = own(folder / "stranger", make=True)
    return World(folder, path, path.read_bytes(), tuple(states), opening, others, own(), stranger)


def _history(vault: Vault, scored: int) -> Iterator[bytes]:
    path = ledger.ledger_of(vault.path)
    yield path.read_bytes()
    for number in range(scored):
        opening = vault.open(MODEL, PLAN, f"number {number}")
        yield path.read_bytes()
        opening.score(predict)
        yield path.read_bytes()
