"""The ledger of a vault: entries in a file beside it, only ever added to, one process at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from seatrial.errors import UsageProblem
from seatrial.files import replace
from seatrial.vault import bodies, heads
from seatrial.vault.bodies import OpenedBody, ScoredBody, SealedBody
from seatrial.vault.entries import FIRST, Entry, new_entry, read_line
from seatrial.vault.identities import Identity
from seatrial.vault.refusal import damaged, disk_errors


def ledger_of(vault: Path) -> Path:
    """Where the ledger of a vault lies."""
    return vault.parent / f"{vault.name}.ledger"


def read(path: Path) -> tuple[Entry, ...]:
    """All entries, each of them checked: its form, its number, its chain, who signed it and the signature.

    Raises:
        Damaged: one of them is not what was written; which, and what is wrong with it.
        UsageProblem: there is no ledger, or it was written by a newer seatrial.
    """
    if not path.is_file():
        found = "something else" if path.exists() else "no such file"
        raise UsageProblem(
            f"Expected the ledger {path}, found {found}.",
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


def seen(vault: Path) -> tuple[tuple[Entry, ...], bool]:
    """All entries of the ledger of a vault, and whether it was seen before on this machine.

    Raises:
        Damaged: it is not what was written, or was put back to an earlier state.
    """
    with locked(vault, fcntl.LOCK_SH):  # else another process could add an entry, and remember it, in between
        entries = read(ledger_of(vault))
        return entries, heads.compare(bodies.sealed(entries[0]).vault, vault, entries)


def remember(vault: Path) -> None:
    """From here on the ledger of this vault may only grow, as far as this machine is concerned.

    Raises:
        Damaged: a later or another state was seen already.
    """
    with locked(vault, fcntl.LOCK_SH):
        entries = read(ledger_of(vault))
        heads.remember(bodies.sealed(entries[0]).vault, vault, entries)


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
        before = read(path)
        name = bodies.sealed(before[0]).vault
        heads.remember(name, vault, before)  # where that cannot be written it shows before anything is
        kind, body = compose(before)
        entries = (*before, new_entry(kind, body, before[-1], identity))
        _check(list(entries), path)  # an entry that would be refused later is not written
        with disk_errors("Writing the ledger", path):
            replace(path, b"".join(each.line + b"\n" for each in entries))
        heads.remember(name, vault, entries)
    return entries


@contextmanager
def locked(vault: Path, how: int = fcntl.LOCK_EX) -> Generator[None]:
    """Nobody else adds to the ledger of this vault meanwhile. The sealed file itself is locked: it is never replaced."""
    with disk_errors("Opening the vault", vault), vault.open("rb") as file:
        fcntl.flock(file, how)
        yield


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
    if entry.key not in _may_sign(entries):
        raise damaged(f"{place} is signed by a key that may not: {entry.key}.", "vault-signer")
    try:
        datetime.fromisoformat(entry.time)
    except ValueError:
        raise damaged(f"{place} has no time: {entry.time[:40]!r}.", "vault-ledger-line") from None
    _check_body(entry, entries, place)


def _may_sign(entries: list[Entry]) -> tuple[str, ...]:
    """The keys that may sign the last entry. Openings of a vault with a custodian are the custodian's alone."""
    first = bodies.sealed(entries[0])
    if len(entries) > 1 and first.custodian:
        return tuple(key for key in first.keepers if key != entries[0].key)
    return first.keepers


def _check_body(entry: Entry, entries: list[Entry], place: str) -> None:
    """Whether an entry may stand where it stands: openings are counted, scores belong to one opening each."""
    if entry.kind == "opened":
        look = 1 + sum(each.kind == "opened" for each in entries[:-1])
        if bodies.opened(entry).look != look:
            raise damaged(f"{place} says that it is look {bodies.opened(entry).look}, but it is {look}.", "vault-order")
    elif entry.kind == "scored":
        scored = bodies.scored(entry)
        earlier = [bodies.scored(each).opening for each in entries[:-1] if each.kind == "scored"]
        at = scored.opening
        if not 0 < at < entry.number or entries[at].kind != "opened" or at in earlier:
            raise damaged(f"{place} has scores of entry {at}, which is no opening without scores.", "vault-order")
        _check_scored(scored, bodies.opened(entries[at]), bodies.sealed(entries[0]), place)
    elif entry.number:
        raise damaged(f"{place} is of an unknown kind: {entry.kind!r}.", "vault-ledger-line")


def _check_scored(scored: ScoredBody, opened: OpenedBody, sealed: SealedBody, place: str) -> None:
    """Whether scores are those of their opening."""
    if scored.look != opened.look:
        raise damaged(
            f"{place} has scores of look {scored.look}, but its opening is look {opened.look}.", "vault-order"
        )
    if scored.examples != sealed.examples.test:
        found, expected = scored.examples, sealed.examples.test
        raise damaged(f"{place} has scores of {found:,} examples, but {expected:,} were sealed.", "vault-ledger-line")
    sealed.policy.check_state(scored.state, place)
