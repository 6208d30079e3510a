"""One entry of a ledger: what was done, chained to the entry before and signed. Written as one line of JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from seatrial.vault.identities import Identity, verifies
from seatrial.vault.refusal import damaged

FIRST = "0" * 64  # what the first entry is chained to
# What is signed begins so: a signature made here serves nowhere else.
_PURPOSE = b"seatrial vault ledger entry\n"
_FIELDS = {"number": int, "kind": str, "time": str, "body": dict, "previous": str, "key": str, "signature": str}


@dataclass(frozen=True, slots=True)
class Entry:
    """number     from 0.
    kind       "sealed", "opened" or "scored".
    time       when, UTC, ISO 8601.
    body       what, as plain JSON values.
    previous   the hash of the entry before (SHA-256 of its line, hexadecimal).
    key        who signed: an Ed25519 public key, base64.
    signature  of all this, base64.
    """

    number: int
    kind: str
    time: str
    body: dict[str, Any]
    previous: str
    key: str
    signature: str

    @property
    def line(self) -> bytes:
        """As it stands in the file, without the line's end."""
        return _canonical({name: getattr(self, name) for name in _FIELDS})

    @property
    def hash(self) -> str:
        """What the next entry is chained to."""
        return hashlib.sha256(self.line).hexdigest()

    @property
    def signed(self) -> bool:
        """Whether the signature is that of `key` over this entry."""
        return verifies(self.key, self.signature, _signed_part(self))


def new_entry(kind: str, body: dict[str, Any], before: Entry | None, identity: Identity) -> Entry:
    """An entry that follows another one, signed."""
    number, previous = (before.number + 1, before.hash) if before is not None else (0, FIRST)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    body = json.loads(json.dumps(body, allow_nan=False))  # as it will be read: tuples are lists
    draft = Entry(number, kind, now, body, previous, identity.card.key, "")
    return Entry(number, kind, now, body, previous, draft.key, identity.sign(_signed_part(draft)))


def read_line(line: bytes, place: str) -> Entry:
    """The entry of a line. `place` names the line in messages.

    Raises:
        Damaged: it is not exactly what was written.
    """
    try:
        found: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise damaged(f"{place} is no entry: {line[:40]!r}.", "vault-ledger-line") from None
    if not isinstance(found, dict):
        raise damaged(f"{place} is no entry: {line[:40]!r}.", "vault-ledger-line")
    values = cast("dict[str, Any]", found)
    if values.keys() != _FIELDS.keys() or any(type(values[name]) is not kind for name, kind in _FIELDS.items()):
        raise damaged(f"{place} lacks what an entry has, or has more.", "vault-ledger-line")
    entry = Entry(**values)
    try:
        same = entry.line == line
    except (ValueError, RecursionError):  # infinite numbers are read, but never written
        same = False
    if not same:
        raise damaged(f"{place} was written anew by something else than seatrial.", "vault-ledger-line")
    return entry


def _signed_part(entry: Entry) -> bytes:
    return _PURPOSE + _canonical({name: getattr(entry, name) for name in _FIELDS if name != "signature"})


def _canonical(values: dict[str, Any]) -> bytes:
    """The one way to write some values: a changed space is a change."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
