"""Damaged vaults are refused, whatever was done to them; the undamaged one opens afterwards."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from damage import ALL, KINDS, Case, NotRefused, refused, signed
from hypothesis import given, settings
from hypothesis import strategies as st
from world import MODEL, PLAN, World, build, home, predict

from seatrial.vault import ledger
from seatrial.vault.entries import new_entry
from seatrial.vault.identities import own
from seatrial.vault.refusal import Damaged
from seatrial.vault.vault import Vault

TIMES = 6  # of each kind; benchmarks/vault_damage.py tries some 200


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("damage")
    with home(folder / "home"):
        yield build(folder)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_refused(world: World, name: str) -> None:
    random = Random(name)
    for _ in range(TIMES):
        assert refused(world, KINDS[name](random, world))


@given(at=st.integers(0, 1 << 40), bit=st.integers(0, 7), of_ledger=st.booleans())
@settings(max_examples=60)
def test_every_bit_counts(world: World, at: int, bit: int, of_ledger: bool) -> None:
    content = bytearray(world.ledger if of_ledger else world.sealed)
    content[at % len(content)] ^= 1 << bit
    case = Case(world.sealed, bytes(content)) if of_ledger else Case(bytes(content), world.ledger)
    assert all(isinstance(problem, Damaged) for problem in refused(world, case).values())


def test_the_undamaged_one_is_not_refused(world: World) -> None:
    """Else the tests above would say nothing."""
    with pytest.raises(NotRefused, match="accepted"):
        refused(world, Case(world.sealed, world.ledger, asked=ALL[:1]))


def test_the_undamaged_one_still_opens(tmp_path: Path) -> None:
    with home(tmp_path / "home"):
        world = build(tmp_path)
        for name in list(KINDS)[::5]:
            refused(world, KINDS[name](Random(0), world))
        world.restore()
        assert world.opening.score(predict).look == 3
        assert Vault(world.path).open(MODEL, PLAN, "again").score(predict).look == 4
        assert Vault(world.path).verify().looks == 4


def test_whoever_sealed_for_a_custodian_cannot_sign_openings(tmp_path: Path) -> None:
    """Their signature stands under the first entry, and must not stand under scores."""
    with home(tmp_path / "home"):
        world = build(tmp_path)
        custodian = world.stranger.card
        vault = Vault.seal(
            tmp_path / "data.csv", tmp_path / "theirs.vault", training=tmp_path / "t.csv", custodian=custodian
        ).vault
        first = vault.log()[0]
        body = ledger.read(ledger.ledger_of(world.path))[1].body
        lines = [first.line, new_entry("opened", body, first, own()).line]
        ledger.ledger_of(vault.path).write_bytes(b"\n".join([*lines, b""]))
        with pytest.raises(Damaged, match="signed by a key that may not"):
            vault.verify()
        lines[1] = signed(world.stranger, new_entry("opened", body, first, own())).line
        ledger.ledger_of(vault.path).write_bytes(b"\n".join([*lines, b""]))
        assert vault.verify().looks == 1


def test_a_sealed_file_exchanged_while_it_is_open(tmp_path: Path) -> None:
    """It was undamaged when it was opened; what is read later is checked again."""
    with home(tmp_path / "home"):
        world = build(tmp_path)
        name = "sealed file: other data encrypted anew, the same name inside"
        world.path.write_bytes(KINDS[name](Random(0), world).sealed or b"")
        with pytest.raises(Damaged):
            next(world.opening.parts())
        world.restore()  # another state of the file, the same bytes
        assert next(world.opening.parts()).examples
