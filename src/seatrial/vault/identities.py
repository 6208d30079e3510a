"""Who may open and who signs: an age identity and an Ed25519 key, in the user's own folder, readable by nobody else."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.errors import UsageProblem
from seatrial.files import sync_folder
from seatrial.vault import age
from seatrial.vault.age import AgeIdentity
from seatrial.vault.refusal import disk_errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

IDENTITY, SIGNING = "identity.txt", "signing.pem"
_KEY = "ed25519:"


@dataclass(frozen=True, slots=True)
class Card:
    """What others may know of somebody: the age recipient to seal to, and the Ed25519 key that signs (base64)."""

    recipient: str
    key: str

    def __str__(self) -> str:
        return f"{self.recipient} {_KEY}{self.key}"

    @staticmethod
    def read(given: str | Path) -> Card:
        """A card as `seatrial vault identity` prints it: the text itself, or a file that holds it.

        Raises:
            UsageProblem: it is neither.
        """
        text = str(given)
        if not text.startswith("age1"):
            with disk_errors("Reading the custodian's card", Path(given)):
                text = Path(given).read_text(errors="replace")
        words = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
        recipient = next((word for word in words if word.startswith("age1")), "")
        key = next((word.removeprefix(_KEY) for word in words if word.startswith(_KEY)), "")
        if not age.is_recipient(recipient) or not _is_key(key):
            raise UsageProblem(
                f"Expected a custodian's card (age1... {_KEY}...), found {text[:60]!r}.",
                "vault-card",
                "The custodian prints it: seatrial vault identity > custodian.txt",
            )
        return Card(recipient, key)


@dataclass(frozen=True)
class Identity:
    """The secrets of one person. Never printed, never written anywhere but in `folder`."""

    folder: Path
    age: AgeIdentity
    signing: Ed25519PrivateKey

    def __repr__(self) -> str:
        return f"Identity({str(self.folder)!r})"

    @property
    def card(self) -> Card:
        """The public part."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = self.signing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return Card(age.recipient_of(self.age), base64.b64encode(raw).decode())

    def sign(self, content: bytes) -> str:
        """The signature of some bytes, base64."""
        return base64.b64encode(self.signing.sign(content)).decode()

    def secret(self, purpose: str) -> bytes:
        """32 bytes that nobody can tell without this identity, the same whenever they are asked for."""
        import hashlib
        import hmac

        return hmac.new(str(self.age).encode(), purpose.encode(), hashlib.sha256).digest()


def folder() -> Path:
    """Where seatrial keeps what is the user's own: $SEATRIAL_HOME, or the usual folder of the system."""
    return Path(os.environ.get("SEATRIAL_HOME") or click.get_app_dir("seatrial"))


def own(at: Path | None = None, *, make: bool = False) -> Identity:
    """The user's identity, from `at` or the usual folder; made where there is none and `make` is set.

    Raises:
        UsageProblem: there is none, others may read it, or it is no identity.
    """
    home = at or folder()
    if make:
        _make(home)
    return Identity(home, _age(home / IDENTITY), _signing(home / SIGNING))


def verifies(key: str, signature: str, content: bytes) -> bool:
    """Whether a signature (base64) of some bytes was made by a key (base64)."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True)).verify(
            base64.b64decode(signature, validate=True), content
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except binascii.Error:
        return False


def _make(home: Path) -> None:
    """Make what is missing. Two processes may do so at once: the first one's stands."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    with disk_errors("Making your identity", home):
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_left(home)
        if not (home / IDENTITY).exists():
            secret = age.new_identity()
            now = datetime.now(UTC).isoformat(timespec="seconds")
            text = f"# created: {now}\n# public key: {age.recipient_of(secret)}\n{secret}\n"  # as age-keygen writes it
            _write_once(home / IDENTITY, text.encode())
        if not (home / SIGNING).exists():
            key = Ed25519PrivateKey.generate()
            _write_once(home / SIGNING, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _write_once(path: Path, content: bytes) -> None:
    """Write a file that appears as a whole, readable by its owner alone, unless it is there already."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(partial, path)
        except FileExistsError:
            return
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)  # what was sealed to an identity that is gone after a power cut stays shut


def _remove_left(home: Path) -> None:
    """Remove what processes left that were killed while they wrote: it may be a secret."""
    for name in (IDENTITY, SIGNING):
        for left in home.glob(f".{name}.*"):
            if left.suffix[1:].isdigit() and not _alive(int(left.suffix[1:])):
                left.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read_secret(path: Path) -> bytes:
    if not path.is_file():
        found = "something else" if path.exists() else "no such file"
        raise UsageProblem(
            f"Expected your identity in {path}, found {found}.",
            "vault-no-identity",
            "`seatrial vault identity` makes one; if it was lost, what was sealed to it stays shut.",
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise UsageProblem(
            f"Expected {path} to be readable by its owner alone, found permissions {mode:03o}.",
            "vault-identity-open",
            f"chmod 600 {path}",
        )
    mode = stat.S_IMODE(path.parent.stat().st_mode)
    if mode & 0o022:
        raise UsageProblem(
            f"Expected the folder {path.parent} to be changed by its owner alone, found permissions {mode:03o}.",
            "vault-identity-open",
            f"chmod 700 {path.parent}",
        )
    with disk_errors("Reading your identity", path):
        return path.read_bytes()


def _age(path: Path) -> AgeIdentity:
    lines = _read_secret(path).decode(errors="replace").splitlines()
    secret = next((line.strip() for line in lines if line.strip() and not line.startswith("#")), "")
    found = age.identity_of(secret)
    if found is None:
        raise _no_identity(path, "AGE-SECRET-KEY-1...")
    return found


def _signing(path: Path) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_read_secret(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_identity(path, "an Ed25519 key in PEM")
    return key


def _no_identity(path: Path, expected: str) -> UsageProblem:
    # What is in the file is not shown: it may be a secret all the same.
    return UsageProblem(
        f"Expected {expected} in {path}, found something else.",
        "vault-identity-unreadable",
        "Put back a copy of your identity; a new one cannot open what was sealed to the old one.",
    )
