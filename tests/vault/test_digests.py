"""Digests block by block: the same however the bytes come, and a change is placed."""

import hashlib
import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.vault.digests import BLOCK_BYTES, Digest, Digesting, check, state
from seatrial.vault.refusal import Damaged

CONTENT = bytes(range(251)) * (3 * BLOCK_BYTES // 251)


def digest_of(*pieces: bytes) -> Digest:
    digesting = Digesting()
    for piece in pieces:
        digesting.update(piece)
    return digesting.digest()


@given(st.lists(st.integers(0, len(CONTENT)), max_size=6))
@settings(max_examples=20)
def test_the_same_however_it_is_cut(places: list[int]) -> None:
    cuts = [0, *sorted(places), len(CONTENT)]
    pieces = [CONTENT[one:other] for one, other in itertools.pairwise(cuts)]
    assert digest_of(*pieces) == digest_of(CONTENT)


def test_by_its_definition() -> None:
    blocks = [CONTENT[at : at + BLOCK_BYTES] for at in range(0, len(CONTENT), BLOCK_BYTES)]
    expected = tuple(hashlib.sha256(block).hexdigest()[:32] for block in blocks)
    assert digest_of(CONTENT) == Digest(len(CONTENT), expected)
    assert digest_of() == Digest(0, ())


@given(st.integers(0, len(CONTENT) - 1))
@settings(max_examples=20)
def test_a_change_is_placed(tmp_path_factory: pytest.TempPathFactory, at: int) -> None:
    path = tmp_path_factory.mktemp("digests") / "file"
    path.write_bytes(CONTENT[:at] + bytes([CONTENT[at] ^ 1]) + CONTENT[at + 1 :])
    start = at // BLOCK_BYTES * BLOCK_BYTES
    last = min(start + BLOCK_BYTES, len(CONTENT)) - 1
    with path.open("rb") as file, pytest.raises(Damaged, match=f"between bytes {start:,} and {last:,}"):
        check(file, path, digest_of(CONTENT))


def test_changes_in_a_row_are_one_span(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(BLOCK_BYTES * 2) + CONTENT[2 * BLOCK_BYTES :])
    with path.open("rb") as file, pytest.raises(Damaged, match=r"between bytes 0 and 2,097,151\."):
        check(file, path, digest_of(CONTENT))


@pytest.mark.parametrize(
    ("size", "said"), [(0, "cut off"), (len(CONTENT) - 1, "cut off"), (len(CONTENT) + 1, "longer")]
)
def test_another_size(tmp_path: Path, size: int, said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes((CONTENT + b"1")[:size])
    with path.open("rb") as file, pytest.raises(Damaged, match=said):
        check(file, path, digest_of(CONTENT))


def test_undamaged_whatever_was_read_before(tmp_path: Path) -> None:
    path, seen = tmp_path / "file", []
    path.write_bytes(CONTENT)
    with path.open("rb") as file:
        file.read(1000)
        assert check(file, path, digest_of(CONTENT), seen.append) == state(file)
    assert sum(seen) == len(CONTENT)


def test_the_state_tells_of_another_file(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"1")
    other.write_bytes(b"1")
    with path.open("rb") as file, other.open("rb") as another:
        before = state(file)
        assert state(file) == before != state(another)
        path.write_bytes(b"12")
        assert state(file) != before
