"""Encrypted files: what went in comes out; what fails in the middle is told as it was; damage never passes."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import IO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.vault import age, encryption
from seatrial.vault.digests import Digesting, check
from seatrial.vault.encryption import decrypted, encrypt
from seatrial.vault.refusal import Damaged

ME, OTHER = age.new_identity(), age.new_identity()
LARGE = Random(0).randbytes(9 << 20)  # several batches, in pieces that are no divisors of them


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def sealed(folder: Path, content: bytes, size: int = 700_001) -> Path:
    path = folder / "sealed"
    path.unlink(missing_ok=True)
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    digest = encrypt(pieces, path, age.recipient_of(ME))
    with path.open("rb") as file:
        check(file, path, digest)
    return path


def opened(path: Path, identity: age.AgeIdentity = ME) -> bytes:
    with path.open("rb", buffering=0) as file:
        return b"".join(decrypted(file, path, identity))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("encryption")


@given(st.lists(st.binary(max_size=300), max_size=8))
@settings(max_examples=30)
def test_what_went_in_comes_out(folder: Path, pieces: list[bytes]) -> None:
    assert opened(sealed(folder, b"".join(pieces), size=97)) == b"".join(pieces)


def test_large_ones(tmp_path: Path) -> None:
    assert opened(sealed(tmp_path, LARGE)) == LARGE


@given(st.integers(0, 1 << 40), st.integers(0, 7))
@settings(max_examples=60)
def test_no_flipped_bit_passes(folder: Path, at: int, bit: int) -> None:
    """The format itself sees to it, though nobody compares a digest."""
    path = sealed(folder, LARGE[:200_000])
    found = bytearray(path.read_bytes())
    found[at % len(found)] ^= 1 << bit
    path.write_bytes(found)
    with pytest.raises(Damaged, match="cannot be decrypted"):
        opened(path)


@given(st.integers(0, 1 << 40))
@settings(max_examples=40)
def test_no_cut_passes(folder: Path, at: int) -> None:
    path = sealed(folder, LARGE[:200_000])
    os.truncate(path, at % path.stat().st_size)
    with pytest.raises(Damaged, match="cannot be decrypted"):
        opened(path)


def test_the_wrong_key(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="cannot be decrypted: No matching keys found"):
        opened(sealed(tmp_path, b"1"), OTHER)


def test_a_source_that_fails(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield LARGE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encrypt(pieces(), tmp_path / "sealed", age.recipient_of(ME))


@pytest.mark.parametrize("after", [0, 1, 3 << 20, 8 << 20])
def test_a_disk_that_is_full_after_some_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    written = 0

    def write(file: IO[bytes], batch: bytes) -> None:
        nonlocal written
        written += len(batch)
        if written > after:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(encryption, "_write_all", write)
    with pytest.raises(OSError, match="No space left") as raised:
        sealed(tmp_path, LARGE)
    assert raised.value.errno == errno.ENOSPC


def test_a_disk_that_cannot_be_read(tmp_path: Path) -> None:
    """It is told as that, not as damage."""
    path = sealed(tmp_path, LARGE)

    class Failing:
        def __init__(self) -> None:
            self.file = path.open("rb")

        def seek(self, at: int) -> int:
            return self.file.seek(at)

        def read(self, size: int) -> bytes:
            if self.file.tell() > 4 << 20:
                raise OSError(errno.EIO, "Input/output error")
            return self.file.read(size)

    failing = Failing()
    with failing.file, pytest.raises(OSError, match="Input/output error"):
        list(decrypted(failing, path, ME))  # pyright: ignore[reportArgumentType]


def test_writes_that_take_only_a_part(tmp_path: Path) -> None:
    class Slow:
        def __init__(self) -> None:
            self.content = b""

        def write(self, batch: memoryview) -> int:
            self.content += bytes(batch[:1000])
            return min(1000, len(batch))

    slow = Slow()
    encryption._write_all(slow, LARGE[:10_500])  # pyright: ignore[reportArgumentType]
    assert slow.content == LARGE[:10_500]


def test_reading_may_be_given_up(tmp_path: Path) -> None:
    path = sealed(tmp_path, LARGE)
    with path.open("rb", buffering=0) as file:
        stream = decrypted(file, path, ME)
        next(stream)
        stream.close()
        file.seek(0)  # nobody else reads it any more
        assert file.read(3) == b"age"


def test_digests_are_those_of_the_file(tmp_path: Path) -> None:
    digesting = Digesting()
    path = tmp_path / "sealed"
    digest = encrypt(iter([LARGE]), path, age.recipient_of(ME))
    digesting.update(path.read_bytes())
    assert digesting.digest() == digest
