"""The heads of ledgers that were seen: by them a ledger that was put back to an earlier state is found out.

Kept in the user's own folder, so that whoever can change the vault's files cannot change them too."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from seatrial.errors import UsageProblem
from seatrial.vault.entries import Entry
from seatrial.vault.identities import folder
from seatrial.vault.refusal import damaged

_TABLE = "create table if not exists heads (vault text primary key, entries integer, head text, seen text, place text)"
_REPAIR = "Repair or remove that file; without it a rollback to an earlier state is not found."
_SECONDS = 30.0  # so long is waited for another process


def remember(vault: str, place: Path, entries: tuple[Entry, ...]) -> None:
    """This is the state of the ledger of a vault at a place; it may only grow from here.

    Raises:
        Damaged: a later or another state was seen already.
    """
    with _heads() as heads:
        heads.execute("begin immediate")
        _compare(vault, place, entries, heads)
        last = entries[-1]
        row = (vault, len(entries), last.hash, last.time, _key(place))
        heads.execute("insert or replace into heads values (?, ?, ?, ?, ?)", row)
        heads.execute("commit")


def vacate(place: Path) -> None:
    """Nothing is at this place any more: another vault may come here."""
    if _file().exists():
        with _heads() as heads:
            heads.execute("update heads set place = '' where place = ?", (_key(place),))


def compare(vault: str, place: Path, entries: tuple[Entry, ...]) -> bool:
    """Whether the ledger was seen before.

    Raises:
        Damaged: a later or another state was seen.
    """
    if not _file().exists():
        return False
    with _heads() as heads:
        return _compare(vault, place, entries, heads)


def _compare(vault: str, place: Path, entries: tuple[Entry, ...], heads: sqlite3.Connection) -> bool:
    there = heads.execute(
        "select vault, seen from heads where place = ? and vault != ?", (_key(place), vault)
    ).fetchone()
    if there is not None:
        raise damaged(
            f"{place} is another vault ({vault[:8]}) than was seen there at {there[1]} ({there[0][:8]}): it was exchanged.",
            "vault-exchanged",
            "If you put it there yourself, give it another name.",
        )
    seen = heads.execute("select entries, head, seen from heads where vault = ?", (vault,)).fetchone()
    if seen is None:
        return False
    count, head, time = seen
    if type(count) is not int or count < 1:
        raise sqlite3.DatabaseError(f"it says that {count!r} entries were seen")
    if len(entries) < count:
        raise damaged(
            f"The ledger has {len(entries)} entries, but {count} were seen at {time}: it was put back to an earlier state.",
            "vault-rolled-back",
        )
    if entries[count - 1].hash != head:
        raise damaged(
            f"Entry {count - 1} of the ledger is another one than was seen at {time}: it was put back and written on.",
            "vault-rolled-back",
        )
    return True


def _file() -> Path:
    return folder() / "heads.sqlite"


def _key(place: Path) -> str:
    return str(place.resolve())


@contextmanager
def _heads() -> Generator[sqlite3.Connection]:
    path = _file()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)) as heads:
            heads.execute(_TABLE)
            yield heads
    except sqlite3.DatabaseError as error:
        # An operation fails for what is around the file (no room, no permission), else the file itself is damaged.
        around = isinstance(error, sqlite3.OperationalError)
        hint = "Make room there, or let it be written." if around else _REPAIR
        raise _not_kept(path, error, hint) from error
    except OSError as error:
        raise _not_kept(path, error, "Make room there, or let it be written.") from error


def _not_kept(path: Path, error: Exception, hint: str) -> UsageProblem:
    return UsageProblem(f"The heads of ledgers that were seen cannot be kept in {path}: {error}.", "vault-heads", hint)
