"""The age format, by the pyrage library: the one file that knows it. It has no types of its own, so they are given here."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, NewType

from seatrial.vault.streams import Batched, Pieces

AgeIdentity = NewType("AgeIdentity", object)
_BUFFER_BYTES = 1 << 20
MAGIC = b"age-encryption.org/v1\n"


class WrongKey(Exception):
    """A file is not sealed to this identity, or it is damaged."""


def _library() -> Any:
    import pyrage

    return pyrage


def new_identity() -> AgeIdentity:
    """A new secret."""
    return _library().x25519.Identity.generate()


def identity_of(text: str) -> AgeIdentity | None:
    """The secret that a text `AGE-SECRET-KEY-1...` holds, or None if it is none."""
    age = _library()
    try:
        return age.x25519.Identity.from_str(text)
    except age.IdentityError:
        return None


def recipient_of(identity: AgeIdentity) -> str:
    """To whom one must encrypt so that an identity can open it: `age1...`."""
    given: Any = identity
    return str(given.to_public())


def is_recipient(text: str) -> bool:
    """Whether a text is an age recipient."""
    age = _library()
    try:
        age.x25519.Recipient.from_str(text)
    except age.RecipientError:
        return False
    return True


def encrypt(source: Pieces, sink: Batched, recipient: str) -> None:
    """From a source to a sink, encrypted."""
    age = _library()
    _through(age.encrypt_io, source, sink, age.x25519.Recipient.from_str(recipient))


def decrypt(source: Pieces, sink: Batched, identity: AgeIdentity) -> None:
    """From a source to a sink, decrypted.

    Raises:
        WrongKey: it cannot be.
    """
    age = _library()
    try:
        _through(age.decrypt_io, source, sink, identity)
    except age.DecryptError as error:
        raise WrongKey(str(error).partition("\n")[0].rstrip(".")) from error
    except OSError as error:
        # So the cipher tells of damage after the header; of the disk's own failures the source and the sink know.
        if error in (source.failure, sink.failure):
            raise
        raise WrongKey(str(error)) from error


def _through(cipher: Callable[..., None], source: Pieces, sink: Batched, key: Any) -> None:
    """What failed where the bytes come from, or where they go, is raised as it was, not as the cipher tells it."""
    try:
        # The cipher asks for 8 KiB at a time: a buffer in C answers that faster.
        cipher(io.BufferedReader(source, _BUFFER_BYTES), sink, [key])
        sink.flush()
    except Exception:
        failure = source.failure or sink.failure
        if failure is not None:
            raise failure from None
        raise
