"""The ledger of a vault: entries in a file beside it, only ever added to, one process at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.vault import bodies
from seatrial.vault.entries import FIRST, Entry, new_entry, read_line
from seatrial.vault.identities import Identity
from seatrial.vault.refusal import damaged, disk_errors


def ledger_of(vault: Path) -> Path:
    """Where the ledger of a vault lies."""
    return vault.with_name(vault.name + ".ledger")


def read(path: Path) -> tuple[Entry, ...]:
    """All entries, each of them checked: its form, its number, its chain, who signed it and the signature.

    Raises:
        Damaged: one of them is not what was written; which, and what is wrong with it.
        UsageProblem: there is no ledger, or it was written by a newer seatrial.
    """
    if not path.exists():
        raise UsageProblem(
            f"Expected the ledger {path}, found no such file.",
            "vault-no-ledger",
            "It lies beside the vault and belongs to it: put it back. Without it nothing is opened.",
        )
    with disk_errors("Reading the ledger", path):
        content = path.read_bytes()
    if not content.endswith(b"\n"):
        lines = content.count(b"\n") + 1
        raise damaged(f"{path} is cut off in line {lines}.", "vault-ledger-cut")
    entries: list[Entry] = []
    for number, line in enumerate(content[:-1].split(b"\n")):
        entries.append(read_line(line, f"Line {number + 1} of {path}"))
        _check(entries, path)
    return tuple(entries)


def append(
    vault: Path, identity: Identity, compose: Callable[[tuple[Entry, ...]], tuple[str, dict[str, Any]]]
) -> tuple[Entry, ...]:
    """Add one entry, which is composed (kind, body) knowing those before it. On the disk when this returns: the ledger is
    replaced as a whole, so that it is the old or the new one whenever the power fails.

    Returns:
        all entries, the new one last.
    """
    path = ledger_of(vault)
    with locked(vault):
        entries = read(path)
        kind, body = compose(entries)
        entry = new_entry(kind, body, entries[-1], identity)
        with disk_errors("Writing the ledger", path):
            replace(path, b"".join(each.line + b"\n" for each in (*entries, entry)))
    return (*entries, entry)


@contextmanager
def locked(vault: Path) -> Generator[None]:
    """Nobody else adds to the ledger of this vault meanwhile. The sealed file itself is locked: it is never replaced."""
    with disk_errors("Opening the vault", vault), vault.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def replace(path: Path, content: bytes) -> None:
    """Write a file anew, as a whole or not at all. One process at a time."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """What was renamed in a folder stays so though the power fails."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check(entries: list[Entry], path: Path) -> None:
    """The last of some entries, given those before it."""
    entry, number = entries[-1], len(entries) - 1
    if number == 0:
        bodies.sealed(entry)  # one of a newer version says so first of all
    place = f"Entry {number} of {path}"
    if entry.number != number:
        raise damaged(
            f"{place} has the number {entry.number}: entries were taken out, added or put in another order.",
            "vault-ledger-order",
        )
    if entry.previous != (entries[-2].hash if number else FIRST):
        raise damaged(f"{place} does not follow on the entry before it: one of the two was replaced.", "vault-chain")
    if not entry.signed:
        raise damaged(f"{place} was changed: its signature does not fit.", "vault-signature")
    if entry.key not in bodies.sealed(entries[0]).keepers:
        raise damaged(f"{place} is signed by a key that may not: {entry.key}.", "vault-signer")
    _check_body(entry, entries, place)


def _check_body(entry: Entry, entries: list[Entry], place: str) -> None:
    """Whether an entry may stand where it stands: openings are counted, scores belong to one opening each."""
    if entry.kind == "opened":
        look = 1 + sum(each.kind == "opened" for each in entries[:-1])
        if bodies.opened(entry).look != look:
            raise damaged(f"{place} says that it is look {bodies.opened(entry).look}, but it is {look}.", "vault-order")
    elif entry.kind == "scored":
        opening = bodies.scored(entry).opening
        earlier = [bodies.scored(each).opening for each in entries[:-1] if each.kind == "scored"]
        if not 0 < opening < entry.number or entries[opening].kind != "opened" or opening in earlier:
            raise damaged(f"{place} has scores of entry {opening}, which is no opening without scores.", "vault-order")
    elif entry.number:
        raise damaged(f"{place} is of an unknown kind: {entry.kind!r}.", "vault-ledger-line")
