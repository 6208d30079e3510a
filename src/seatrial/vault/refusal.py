"""How the vault refuses: what was expected, what was found, what to do."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from seatrial.errors import UsageProblem


class Damaged(UsageProblem):
    """A sealed file or a ledger is not what it was when it was written. Says what is wrong, and where."""


def damaged(what: str, slug: str, hint: str = "") -> Damaged:
    """The problem of something that was changed after it was written."""
    return Damaged(what, slug, hint or "Nothing was opened. Put back an undamaged copy of the vault and its ledger.")


@contextmanager
def disk_errors(doing: str, path: Path) -> Generator[None]:
    """Failures of the disk are told as what they mean for the user: nothing is lost, and what to do."""
    try:
        yield
    except OSError as error:
        raise _problem(doing, path, error) from error


def _problem(doing: str, path: Path, error: OSError) -> UsageProblem:
    at = error.filename or path
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = "Make room and try again: nothing was changed, what was half written is gone."
        return UsageProblem(f"{doing} failed: no space is left for {at}.", "vault-disk-full", hint)
    if error.errno == errno.EROFS:
        return UsageProblem(f"{doing} failed: {at} is read-only.", "vault-not-writable", "Give a folder of yours.")
    if error.errno in (errno.EACCES, errno.EPERM):
        return UsageProblem(
            f"{doing} failed: there is no permission for {at}.", "vault-no-permission", "Give a folder of yours."
        )
    if error.errno == errno.ENOENT:
        return UsageProblem(f"{doing} failed: there is no {at}.", "vault-no-file", "Check the path.")
    return UsageProblem(f"{doing} failed at {at}: {error.strerror or error}.", "vault-disk", "Nothing was changed.")
