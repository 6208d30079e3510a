"""Bytes between threads: nothing is lost or put in another order, failures arrive where they belong, no thread stays."""

import io
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.vault import streams
from seatrial.vault.streams import BATCH_BYTES, Batched, Pieces, threaded

PIECES = st.lists(st.binary(max_size=50), max_size=20)


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


class Broken(Exception):
    pass


def broken_after(pieces: list[bytes]) -> Iterator[bytes]:
    yield from pieces
    raise Broken("at the end")


@given(PIECES, st.lists(st.integers(0, 60), max_size=30))
def test_pieces_read_like_a_file(pieces: list[bytes], sizes: list[int]) -> None:
    ours, files = Pieces(iter(pieces)), io.BytesIO(b"".join(pieces))
    for size in sizes:
        assert ours.read(size) == files.read(size)
    assert ours.read() == files.read()
    assert ours.read(5) == b""


def test_pieces_may_be_views_of_any_type() -> None:
    numbers = memoryview(b"12345678").cast("I")
    assert Pieces(iter([numbers, bytearray(b"9"), memoryview(b"")])).read() == b"123456789"


@given(PIECES, st.integers(1, 60))
def test_a_failing_source_gives_what_it_had_and_keeps_its_failure(pieces: list[bytes], size: int) -> None:
    file, found = Pieces(broken_after(pieces)), b""
    with pytest.raises(Broken) as raised:
        while True:
            found += file.read(size)
    whole = b"".join(pieces)
    assert found == whole[: len(whole) // size * size]
    assert file.failure is raised.value


@given(PIECES, st.integers(1, 100))
def test_batches_hold_all_in_order(pieces: list[bytes], size: int) -> None:
    given_on: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BATCH_BYTES", size)
        file = Batched(given_on.append)
        assert [file.write(piece) for piece in pieces] == [*map(len, pieces)]
    assert all(len(batch) >= size for batch in given_on)
    file.flush()
    assert b"".join(given_on) == b"".join(pieces)


def test_a_failing_sink_keeps_its_failure() -> None:
    def give(batch: bytes) -> None:
        raise Broken

    file = Batched(give)
    file.write(b"1")
    assert file.failure is None
    with pytest.raises(Broken):
        file.write(bytes(BATCH_BYTES))
    assert isinstance(file.failure, Broken)


@given(PIECES)
def test_threaded_gives_all_in_order(pieces: list[bytes]) -> None:
    def produce(give: Callable[[bytes], None]) -> None:
        for piece in pieces:
            give(piece)

    assert list(threaded(produce)) == pieces


@given(PIECES)
def test_threaded_raises_after_what_came_before(pieces: list[bytes]) -> None:
    def produce(give: Callable[[bytes], None]) -> None:
        for piece in broken_after(pieces):
            give(piece)

    found: list[bytes] = []
    with pytest.raises(Broken, match="at the end"):
        found.extend(threaded(produce))  # keeps what came before the failure
    assert found == pieces


@pytest.mark.parametrize("read", [0, 1, 3, 50])
def test_an_abandoned_thread_ends_at_once(read: int) -> None:
    def produce(give: Callable[[bytes], None]) -> None:
        for number in range(1000):
            give(bytes([number % 256]))

    stream = threaded(produce)
    assert [next(stream) for _ in range(read)] == [bytes([number]) for number in range(read)]
    began = time.monotonic()
    stream.close()
    assert time.monotonic() - began < 5
    with pytest.raises(StopIteration):
        next(stream)


def test_a_reader_that_fails_ends_the_thread() -> None:
    def produce(give: Callable[[bytes], None]) -> None:
        while True:
            give(b"1")

    stream = threaded(produce)
    with pytest.raises(Broken):
        stream.throw(Broken) if next(stream) else None
