"""What was sealed by somebody who did not use seatrial as it is: signed and undamaged, but not of its form."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from asking import refused
from world import MODEL, PLAN, home, predict, table

from seatrial.vault import age, ledger
from seatrial.vault.archive import pack, unpack
from seatrial.vault.encryption import decrypted, encrypt
from seatrial.vault.entries import new_entry
from seatrial.vault.identities import own
from seatrial.vault.refusal import Damaged
from seatrial.vault.vault import Vault

Files = list[tuple[str, bytes]]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> Iterator[None]:
    with home(tmp_path / "home"):
        yield


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.seal(table(tmp_path / "data.csv"), tmp_path / "test.vault", target="label").vault


def files_of(vault: Vault) -> Files:
    with vault.path.open("rb", buffering=0) as file:
        return list(unpack(decrypted(file, vault.path, own().age)))


def sealed_again(vault: Vault, plain: bytes, **changes: Any) -> Vault:
    """A vault of its own, signed, with this inside, and something else in its first entry."""
    path = vault.path.with_name("forged.vault")
    path.unlink(missing_ok=True)
    (own().folder / "heads.sqlite").unlink(missing_ok=True)  # it was never seen
    body = vault.log()[0].body
    digest = asdict(encrypt(iter([plain]), path, own().card.recipient))
    body = body | {"digest": digest} | changes
    ledger.ledger_of(path).write_bytes(new_entry("sealed", body, None, own()).line + b"\n")
    return Vault(path)


def packed(files: Files) -> bytes:
    return b"".join(map(bytes, pack(iter(files))))


def test_the_forger_of_these_tests_is_one(vault: Vault) -> None:
    forged = sealed_again(vault, packed(files_of(vault)))
    assert forged.open(MODEL, PLAN, "x").score(predict).look == 1


@pytest.mark.parametrize(
    "plain", [b"", b"text", bytes(512), bytes(10_240), packed([]), packed([("data.csv", b"x,y\n1,2\n")])]
)
def test_no_archive_of_ours(vault: Vault, plain: bytes) -> None:
    opening = sealed_again(vault, plain).open(MODEL, PLAN, "x")
    with pytest.raises(Damaged):
        opening.score(predict)


def test_fewer_or_more_examples_than_the_ledger_says(vault: Vault) -> None:
    about, (name, content) = files_of(vault)
    for lines in (content.splitlines(keepends=True)[:-1], [content, b"1,2,more,1\n"]):
        opening = sealed_again(vault, packed([about, (name, b"".join(lines))])).open(MODEL, PLAN, "x")
        with refused("vault-content", "instead of 40"):
            opening.score(predict)


@pytest.mark.parametrize(
    "about", [b"", b"[]", b"null", b"{}", b"\xff", b"{" * 100_000, b'{"vault": 1}', b'{"vault": "VAULT"}']
)
def test_no_description(vault: Vault, about: bytes) -> None:
    (name, _), *rest = files_of(vault)
    about = about.replace(b"VAULT", vault.log()[0].body["vault"].encode())
    opening = sealed_again(vault, packed([(name, about), *rest])).open(MODEL, PLAN, "x")
    with pytest.raises(Damaged) as raised:
        opening.score(predict)
    assert raised.value.slug in ("vault-content", "vault-exchanged")


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (b"", "vault-content"),
        (b"x,y,name,label\n1,2\n", "ragged-csv"),
        (b"x,y,name,label\n1,2,3,4,5\n", "ragged-csv"),
        (b"\0\1\2", "vault-content"),
    ],
)
def test_no_table(vault: Vault, content: bytes, slug: str) -> None:
    about, (name, _) = files_of(vault)
    opening = sealed_again(vault, packed([about, (name, content)])).open(MODEL, PLAN, "x")
    with refused(slug):
        opening.score(predict)


def test_another_form(vault: Vault) -> None:
    (name, about), *rest = files_of(vault)
    for form in ({"kind": "csv"}, {"kind": "parquet", "target": "label", "fields": ["x"], "settings": {}}, 3):
        changed = json.dumps(json.loads(about) | {"form": form}).encode()
        opening = sealed_again(vault, packed([(name, changed), *rest])).open(MODEL, PLAN, "x")
        with refused("vault-content", "cannot be read"):
            opening.score(predict)


def test_digests_that_do_not_cover_the_file(vault: Vault) -> None:
    digest = vault.log()[0].body["digest"]
    for blocks in ([], digest["blocks"] * 2):
        with refused("vault-ledger-line", "digests of"):
            sealed_again(vault, packed(files_of(vault)), digest=digest | {"blocks": blocks})


def test_a_key_is_not_printed(vault: Vault) -> None:
    assert "AGE-SECRET" not in repr(own())
    assert "AGE-SECRET" not in repr(vault.open(MODEL, PLAN, "x").__dict__["_identity"])
    assert str(age.new_identity()).startswith("AGE-SECRET-KEY-1")
