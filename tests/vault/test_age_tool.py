"""The age tool opens what seatrial sealed, given the identity: nobody depends on seatrial for their data."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from world import home, table

from seatrial.vault.identities import IDENTITY
from seatrial.vault.vault import Vault

AGE = shutil.which("age")


@pytest.mark.skipif(AGE is None, reason="the age tool is not installed (apt-get install age)")
@pytest.mark.parametrize("rows", [50, 60_000])
def test_the_same_data_come_out(tmp_path: Path, rows: int) -> None:
    with home(tmp_path / "home"):
        data = table(tmp_path / "data.csv", rows)
        made = Vault.seal(data, tmp_path / "test.vault", target="label")
    plain = subprocess.run(
        [str(AGE), "-d", "-i", str(tmp_path / "home" / IDENTITY), str(tmp_path / "test.vault")],
        check=True,
        capture_output=True,
    ).stdout
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "x", "-C", str(tmp_path / "out")], input=plain, check=True)
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        names = archive.getnames()
    header = b"x,y,name,label\n"
    sealed = b"".join((tmp_path / "out" / name).read_bytes().removeprefix(header) for name in names[1:])
    training = made.training.read_bytes().removeprefix(header)
    assert sorted((sealed + training).splitlines()) == sorted(data.read_bytes().removeprefix(header).splitlines())
    assert len(sealed.splitlines()) == rows // 5
    subprocess.run(["tar", "t"], input=plain, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.skipif(AGE is None, reason="the age tool is not installed (apt-get install age)")
def test_not_without_the_identity(tmp_path: Path) -> None:
    with home(tmp_path / "home"):
        Vault.seal(table(tmp_path / "data.csv"), tmp_path / "test.vault", target="label")
    with home(tmp_path / "other"):
        Vault.seal(tmp_path / "data.csv", tmp_path / "other.vault", target="label", training=tmp_path / "t.csv")
    identity = str(tmp_path / "other" / IDENTITY)
    found = subprocess.run(
        [str(AGE), "-d", "-i", identity, str(tmp_path / "test.vault")], capture_output=True, check=False
    )
    assert found.returncode != 0
    assert found.stdout == b""
