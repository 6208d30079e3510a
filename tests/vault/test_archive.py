"""Files as one stream: what the usual tools read, and back; what is no archive is refused."""

import contextlib
import io
import tarfile
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.vault.archive import pack, unpack
from seatrial.vault.refusal import Damaged

NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/"), min_size=1, max_size=150
).filter(lambda name: name.strip(". ") == name)
FILES = st.lists(st.tuples(NAMES, st.binary(max_size=2000)), max_size=5)


def cut(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


@given(FILES, st.integers(1, 3000))
@settings(max_examples=60)
def test_there_and_back_in_pieces_of_any_size(files: list[tuple[str, bytes]], size: int) -> None:
    stream = b"".join(map(bytes, pack(iter(files))))
    assert list(unpack(iter(cut(stream, size)))) == files


@given(FILES)
@settings(max_examples=30)
def test_other_tools_read_it(files: list[tuple[str, bytes]]) -> None:
    with tarfile.open(fileobj=io.BytesIO(b"".join(map(bytes, pack(iter(files)))))) as archive:
        assert [(member.name, archive.extractfile(member).read()) for member in archive] == files  # pyright: ignore


def test_contents_may_be_views() -> None:
    content = bytearray(b"1234567")
    stream = b"".join(map(bytes, pack(iter([("a", memoryview(content)), ("b", content)]))))
    assert list(unpack(iter([stream]))) == [("a", b"1234567"), ("b", b"1234567")]


@given(st.binary(min_size=1, max_size=3000))
def test_what_is_no_archive(content: bytes) -> None:
    with pytest.raises(Damaged, match="not what seatrial seals"):
        list(unpack(iter([b"\1" + content])))


@given(st.integers(0, 1 << 30), st.integers(0, 1 << 30), st.integers(0, 255))
@settings(max_examples=200)
def test_damage_gives_files_or_is_refused(at: int, end: int, byte: int) -> None:
    """That the content is what it was is not the archive's to see; but nothing else than a refusal is raised."""
    found = bytearray(b"".join(map(bytes, pack(iter([("a", Random(0).randbytes(600)), ("é" * 120, b"12")])))))
    found[at % len(found)] = byte
    del found[end % len(found) :]
    with contextlib.suppress(Damaged):
        list(unpack(iter([bytes(found)])))


def test_a_failing_stream_is_told_as_it_is() -> None:
    def pieces():
        yield b"".join(map(bytes, pack(iter([("a", bytes(5000))]))))[:3000]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(unpack(pieces()))
