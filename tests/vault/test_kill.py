"""Killed in the middle of sealing or opening: the old state or the new one."""

import signal
from pathlib import Path

import pytest
from killing import Place, check_clean, check_opening, check_sealing, opening, place, plain_copies, run, sealing
from world import MARKER, home

ROWS = 300


@pytest.fixture
def where(tmp_path: Path) -> Place:
    return place(tmp_path, ROWS)


@pytest.mark.slow
def test_killed_at_some_moments(where: Place) -> None:
    """benchmarks/vault_kill.py does so some hundred times."""
    data = where.data.read_bytes()
    took = run(where, sealing(where))
    assert check_sealing(where, data) == "new"
    for share, how in ((0.3, signal.SIGKILL), (0.6, signal.SIGINT), (0.8, signal.SIGTERM), (0.9, signal.SIGKILL)):
        run(where, sealing(where), (share * took, how))
        check_sealing(where, data)
    with home(where.folder / "home"):
        where.seal()
    entries = 1
    for share in (0.3, 0.6, 0.9):
        run(where, opening(where), (share * took, signal.SIGKILL))
        entries, _ = check_opening(where, entries)


@pytest.mark.slow
@pytest.mark.parametrize("apart", [False, True])
def test_sealing_killed_before_each_change_of_the_files(tmp_path: Path, apart: bool) -> None:
    where = place(tmp_path, ROWS, apart=apart)
    data, states = where.data.read_bytes(), []
    with home(where.folder / "home"):
        where.seal()  # the identity is there already; the table is in the cache
    check_sealing(where, data)
    while run(where, sealing(where), before_change=len(states)) is None:
        states.append(check_sealing(where, data))
    assert len(states) > 10
    assert states == sorted(states, reverse=True)  # old, old, ..., new, new
    assert {"old", "new"} == set(states)


@pytest.mark.slow
def test_opening_killed_before_each_change_of_the_files(where: Place) -> None:
    with home(where.folder / "home"):
        where.seal()
    entries, states, number = 1, [], 0
    while run(where, opening(where), before_change=number) is None:
        entries, state = check_opening(where, entries)
        states.append(state)
        number += 1
    assert {"none", "opened", "opened and scored"} >= set(states) >= {"none", "opened"}
    check_clean(where)


def test_a_plain_copy_would_be_found(where: Place) -> None:
    assert plain_copies(where) == []
    (where.temporary / "left").write_text(f"0.1,0.2,{MARKER}-1,0\n")
    assert plain_copies(where) == [str(where.temporary / "left")]
