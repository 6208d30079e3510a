"""`seatrial vault ...`: what is refused ends with 2, without a traceback, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from asking import command
from world import home, table

from seatrial.vault import ledger
from seatrial.vault.identities import IDENTITY, folder
from seatrial.vault.vault import Vault

Capture = pytest.CaptureFixture[str]
PREDICTORS = {
    "good": "def predictor(weights):\n    return lambda inputs: (inputs['x'] > 0.5).astype(int)\n",
    "raises": "def predictor(weights):\n    return lambda inputs: 1 / 0\n",
    "exits": "def predictor(weights):\n    def predict(inputs):\n        raise SystemExit(0)\n    return predict\n",
    "trains": "def predictor(weights):\n    def predict(inputs):\n        weights.write_bytes(b'1')\n        return inputs['x'] > 1\n    return predict\n",
    "few": "def predictor(weights):\n    return lambda inputs: [1]\n",
}
BAD_FILES = {
    "fails": "1 / 0\n",
    "ends": "import sys\nsys.exit(0)\n",
    "syntax": "def\n",
    "nothing": "x = 1\n",
    "makes": "def predictor(weights):\n    return 3\n",
}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> Iterator[None]:
    with home(tmp_path / "home"):
        yield


@pytest.fixture
def data(tmp_path: Path) -> Path:
    np.save(tmp_path / "weights.npy", np.zeros(2))
    for name, text in (PREDICTORS | BAD_FILES).items():
        (tmp_path / f"{name}.py").write_text(text)
    return table(tmp_path / "data.csv")


@pytest.fixture
def vault(data: Path) -> Path:
    return Vault.seal(data, data.with_name("test.vault"), target="label").vault.path


def opened(capsys: Capture, vault: Path, predictor: str = "good", *words: str) -> tuple[int, str, str]:
    files = "--model", vault.with_name("weights.npy"), "--predictor", vault.with_name(f"{predictor}.py")
    return command(capsys, "open", vault, *files, "--reason", "to see", *words)


def kinds(vault: Path) -> list[str]:
    return [entry.kind for entry in Vault(vault).log()]


def check_refused(ended: tuple[int, str, str], slug: str, status: int = 2) -> None:
    found, out, err = ended
    assert found == status, ended
    assert f"[{slug}]" in err
    assert err.startswith("seatrial: ")
    assert "Traceback" not in err + out


def test_from_sealing_to_the_log(capsys: Capture, data: Path) -> None:
    path = data.with_name("test.vault")
    status, out, _ = command(capsys, "seal", data, "--to", path, "--target", "label")
    assert (status, "40 sealed" in out) == (0, True)
    assert command(capsys, "verify", path)[0] == 0
    assert opened(capsys, path)[0] == 0
    status, out, _ = command(capsys, "log", path)
    assert (status, "look 1" in out) == (0, True)
    assert kinds(path) == ["sealed", "opened", "scored"]


def test_sealing_where_something_is(capsys: Capture, data: Path, vault: Path) -> None:
    before = vault.read_bytes()
    check_refused(command(capsys, "seal", data, "--to", vault, "--target", "label"), "vault-exists")
    assert vault.read_bytes() == before


def test_no_vault(capsys: Capture, data: Path) -> None:
    for words in (("verify",), ("log",)):
        check_refused(command(capsys, *words, data), "vault-none")
        check_refused(command(capsys, *words, data.with_name("missing")), "vault-no-file")
    check_refused(opened(capsys, data), "vault-none")


def test_damage_ends_with_1_where_it_is_looked_for(capsys: Capture, vault: Path) -> None:
    vault.write_bytes(vault.read_bytes() + b"1")
    check_refused(command(capsys, "verify", vault), "vault-size", status=1)
    check_refused(opened(capsys, vault), "vault-size")
    path = ledger.ledger_of(vault)
    path.write_bytes(path.read_bytes()[:-1])
    check_refused(command(capsys, "verify", vault), "vault-ledger-cut", status=1)
    check_refused(command(capsys, "log", vault), "vault-ledger-cut")


def test_keys(capsys: Capture, vault: Path) -> None:
    (folder() / IDENTITY).chmod(0o644)
    check_refused(opened(capsys, vault), "vault-identity-open")
    check_refused(command(capsys, "identity"), "vault-identity-open")
    (folder() / IDENTITY).unlink()
    check_refused(opened(capsys, vault), "vault-no-identity")
    assert command(capsys, "identity")[0] == 0
    check_refused(opened(capsys, vault), "vault-not-yours")
    assert kinds(vault) == ["sealed"]


@pytest.mark.parametrize("name", [*BAD_FILES, "missing"])
def test_a_file_without_a_predictor_opens_nothing(capsys: Capture, vault: Path, name: str) -> None:
    check_refused(opened(capsys, vault, name), "vault-predictor")
    assert kinds(vault) == ["sealed"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("raises", "vault-predictor"),
        ("exits", "vault-predictor"),
        ("trains", "vault-model-changed"),
        ("few", "vault-predictions"),
    ],
)
def test_a_predictor_that_fails_has_had_its_look(capsys: Capture, vault: Path, name: str, slug: str) -> None:
    check_refused(opened(capsys, vault, name), slug)
    assert kinds(vault) == ["sealed", "opened"]
    status, out, _ = command(capsys, "log", vault)
    assert (status, "no scores" in out) == (0, True)


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        (("--metric", "acuracy"), "vault-metric"),
        (("--baseline", "high"), "vault-baseline"),
        (("--baseline", "f1=0.3"), "vault-baseline"),
        (("--baseline", "nan"), "vault-baseline"),
    ],
)
def test_a_plan_that_is_none_opens_nothing(capsys: Capture, vault: Path, words: tuple[str, ...], slug: str) -> None:
    check_refused(opened(capsys, vault, "good", *words), slug)
    assert kinds(vault) == ["sealed"]


def test_a_reason_is_shown_as_one_line(capsys: Capture, vault: Path) -> None:
    """Nobody writes a line of the log that is none."""
    reason = "first\n2026-01-01 00:00  look 2: \x1b[2J \udc80 é"
    assert opened(capsys, vault, "good", "--reason", reason)[0] == 0
    status, out, _ = command(capsys, "log", vault)
    assert status == 0
    assert "first\\n2026-01-01 00:00  look 2: \\x1b[2J \\udc80 é" in out
    assert command(capsys, "log", vault, "--json")[0] == 0
    assert command(capsys, "verify", vault)[0] == 0
