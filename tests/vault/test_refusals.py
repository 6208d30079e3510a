"""What cannot be sealed, opened or scored is refused in words that help, and nothing is lost."""

import os
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import in_a_process, refused, unprivileged
from world import MODEL, PLAN, home, predict, table

from seatrial.vault import ledger
from seatrial.vault.identities import IDENTITY, SIGNING, folder, own
from seatrial.vault.opening import Opening
from seatrial.vault.plan import Plan
from seatrial.vault.policy import Policy
from seatrial.vault.vault import Vault


@pytest.fixture(autouse=True)
def _home(tmp_path: Path) -> Iterator[None]:
    with home(tmp_path / "home"):
        yield


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return table(tmp_path / "data.csv")


@pytest.fixture
def vault(data: Path) -> Vault:
    return Vault.seal(data, data.with_name("test.vault"), target="label").vault


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class TestNoVault:
    @pytest.mark.parametrize("bytes_", [b"", b"a,b\n1,2\n", b"age-encryption.org/v0\n"])
    def test_another_kind_of_file(self, tmp_path: Path, bytes_: bytes) -> None:
        path = tmp_path / "data.csv"
        path.write_bytes(bytes_)
        with refused("vault-none", str(path), "seatrial vault seal"):
            Vault(path)

    @pytest.mark.parametrize("name", [".", "..", "folder", "missing", "missing/vault", "x" * 300])
    def test_no_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "folder").mkdir()
        with refused("vault-disk" if len(name) > 250 else "vault-no-file"):
            Vault(name)

    def test_the_age_file_alone(self, vault: Vault) -> None:
        ledger.ledger_of(vault.path).rename(vault.path.with_name("elsewhere"))
        with refused("vault-no-ledger", "put it back"):
            Vault(vault.path)
        ledger.ledger_of(vault.path).mkdir()
        with refused("vault-no-ledger", "something else"):
            Vault(vault.path)


class TestIdentity:
    @pytest.mark.parametrize("name", [IDENTITY, SIGNING])
    def test_readable_by_others(self, vault: Vault, name: str) -> None:
        (folder() / name).chmod(0o644)
        with refused("vault-identity-open", "chmod 600"):
            vault.open(MODEL, PLAN, "x")
        assert vault.verify().looks == 0
        (folder() / name).chmod(0o600)
        vault.open(MODEL, PLAN, "x")

    def test_in_a_folder_that_others_may_change(self, vault: Vault) -> None:
        folder().chmod(0o777)
        with refused("vault-identity-open", "chmod 700"):
            vault.open(MODEL, PLAN, "x")

    def test_none(self, vault: Vault) -> None:
        (folder() / IDENTITY).unlink()
        with refused("vault-no-identity", "stays shut"):
            vault.open(MODEL, PLAN, "x")
        (folder() / IDENTITY).mkdir()
        with refused("vault-no-identity", "something else"):
            vault.open(MODEL, PLAN, "x")

    @pytest.mark.parametrize("lost", [(IDENTITY,), (SIGNING,), (IDENTITY, SIGNING)])
    def test_lost_and_made_anew(self, vault: Vault, lost: tuple[str, ...]) -> None:
        """Nothing is signed that would be refused from then on."""
        for name in lost:
            (folder() / name).unlink()
        own(make=True)
        with refused("vault-not-yours"):
            vault.open(MODEL, PLAN, "x")
        assert vault.verify().looks == 0

    @pytest.mark.parametrize("bytes_", [b"", b"# a comment\n", b"AGE-SECRET-KEY-1QQ\n", bytes(range(256))])
    def test_something_else(self, vault: Vault, bytes_: bytes) -> None:
        for name in (IDENTITY, SIGNING):
            before = (folder() / name).read_bytes()
            (folder() / name).write_bytes(bytes_)
            with refused("vault-identity-unreadable", name):
                vault.open(MODEL, PLAN, "x")
            (folder() / name).write_bytes(before)


class TestCustodian:
    def test_only_the_custodian_opens(self, tmp_path: Path, data: Path) -> None:
        with home(tmp_path / "custodian"):
            card = own(make=True).card
        vault = Vault.seal(data, tmp_path / "test.vault", target="label", custodian=str(card)).vault
        with refused("vault-not-yours", "sealed to the custodian"):
            vault.open(MODEL, PLAN, "x")
        with home(tmp_path / "custodian"):
            vault.open(MODEL, PLAN, "asked to").score(predict)
        assert vault.verify().looks == 1
        assert vault.verify().remembered

    def test_the_card_may_lie_in_a_file(self, tmp_path: Path, data: Path) -> None:
        with home(tmp_path / "custodian"):
            card = own(make=True).card
        (tmp_path / "card.txt").write_text(f"# of the custodian\n{card}\n")
        made = Vault.seal(data, tmp_path / "test.vault", target="label", custodian=tmp_path / "card.txt")
        assert made.sealed.custodian
        assert made.sealed.recipient == card.recipient

    @pytest.mark.parametrize(
        "card", ["age1", "age1qqqq ed25519:AAAA", "{recipient}", "{recipient} ed25519:!", "{recipient} ed25519:QUJD"]
    )
    def test_no_card(self, tmp_path: Path, data: Path, card: str) -> None:
        recipient = own(tmp_path / "custodian", make=True).card.recipient
        before = content(tmp_path)
        with refused("vault-card", "seatrial vault identity"):
            Vault.seal(data, tmp_path / "test.vault", custodian=card.format(recipient=recipient))
        assert content(tmp_path) == before

    def test_no_file_with_a_card(self, tmp_path: Path, data: Path) -> None:
        with refused("vault-no-file"):
            Vault.seal(data, tmp_path / "test.vault", custodian="custodian.txt")


class TestPlaces:
    @pytest.mark.parametrize("name", ["test.vault", "test.vault.ledger", "data-training.csv"])
    @pytest.mark.parametrize("how", ["file", "folder", "link"])
    def test_taken(self, data: Path, name: str, how: str) -> None:
        place = data.with_name(name)
        if how == "link":
            place.symlink_to("nowhere")
        elif how == "file":
            place.write_text("mine")
        else:
            place.mkdir()
            (place / "mine").touch()
        before = content(data.parent)
        with refused("vault-exists", str(place)):
            Vault.seal(data, data.with_name("test.vault"), target="label")
        after = {path: bytes_ for path, bytes_ in content(data.parent).items() if "/home/" not in path}
        assert after == before

    def test_an_empty_folder_is_no_place_for_a_file(self, data: Path) -> None:
        data.with_name("test.vault").mkdir()
        with refused("vault-exists"):
            Vault.seal(data, data.with_name("test.vault"), target="label")
        assert {path.name for path in data.parent.iterdir()} == {"data.csv", "home", "test.vault"}

    def test_files_that_were_not_moved_yet_have_their_places(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(*_: object) -> None:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch, refused("vault-disk"):
            patch.setattr("seatrial.vault.staging._move", fails)
            Vault.seal(data, data.with_name("test.vault"), target="label")
        before = data.with_name(".test.vault.sealed") / "vault"
        first = before.read_bytes()
        with refused("vault-exists"):
            Vault.seal(data, data.with_name("test.vault"), target="label")
        assert Vault(data.with_name("test.vault")).verify().looks == 0
        assert data.with_name("test.vault").read_bytes() == first
        assert data.with_name("data-training.csv").is_file()

    @pytest.mark.parametrize("name", ["test.vault", "test.vault.ledger", "data.csv", "./x/../test.vault"])
    def test_two_at_one_place(self, data: Path, name: str) -> None:
        with refused("vault-exists"):
            Vault.seal(data, data.with_name("test.vault"), target="label", training=data.parent / name)
        assert {path.name for path in data.parent.iterdir()} <= {"data.csv", "home", "x"}

    def test_folders_are_made(self, data: Path) -> None:
        made = Vault.seal(data, data.parent / "a/test.vault", target="label", training=data.parent / "b/c/t.csv")
        assert made.vault.verify().looks == 0
        assert made.training.is_file()

    @pytest.mark.parametrize("away", ["vault", "training"])
    def test_on_another_file_system(self, data: Path, tmp_path_factory: pytest.TempPathFactory, away: str) -> None:
        other = Path("/dev/shm") / f"seatrial-{os.getpid()}"
        if not other.parent.is_dir() or os.stat(other.parent).st_dev == os.stat(data.parent).st_dev:
            pytest.skip("there is no other file system here")
        other.mkdir()
        try:
            places = {"vault": data.with_name("test.vault"), "training": data.with_name("t.csv")}
            places[away] = other / "there"
            made = Vault.seal(data, places["vault"], target="label", training=places["training"])
            assert made.vault.verify().looks == 0
            assert made.training.read_bytes().startswith(b"x,y,name,label\n")
            with refused("vault-exists"):
                Vault.seal(data, places["vault"], target="label", training=places["training"])
            left = {path.name for path in other.iterdir()}
            assert left <= {"there", "there.ledger"}
        finally:
            for path in other.iterdir():
                path.unlink()
            other.rmdir()

    def test_a_failed_sealing_can_be_done_again(self, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        before = content(data.parent)
        with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
            patch.setattr("seatrial.vault.sealing.new_entry", lambda *_: 1 / 0)
            Vault.seal(data, data.with_name("test.vault"), target="label")
        assert {path: bytes_ for path, bytes_ in content(data.parent).items() if "/home/" not in path} == before
        Vault.seal(data, data.with_name("test.vault"), target="label").vault.verify()


class TestDisk:
    @pytest.mark.parametrize("most", [0, 100, 1000, 4000, 6000])
    def test_full_at_sealing(self, data: Path, most: int) -> None:
        """The training part has 5 kB, the sealed part 4 kB."""
        own(make=True)
        before = content(data.parent)

        def seal() -> str:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            return str(Vault.seal(data, data.with_name("test.vault"), target="label").vault.verify().looks)

        said = in_a_process(seal)
        assert said.startswith(("vault-disk-full: UsageProblem: Sealing failed: no space is left", "vault-heads: ")), (
            said
        )
        after = {path: bytes_ for path, bytes_ in content(data.parent).items() if "heads" not in path}
        assert after == before
        Vault.seal(data, data.with_name("test.vault"), target="label").vault.verify()

    def test_full_at_opening(self, vault: Vault) -> None:
        vault.open(MODEL, PLAN, "x").score(predict)
        path = ledger.ledger_of(vault.path)
        before, most = path.read_bytes(), path.stat().st_size + 100

        def open_() -> Opening:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            return vault.open(MODEL, PLAN, "y")

        said = in_a_process(open_)
        assert said.startswith(("vault-disk-full: UsageProblem: Writing the ledger failed", "vault-heads: ")), said
        assert path.read_bytes() == before
        assert vault.open(MODEL, PLAN, "z").look == 2

    def test_full_at_scoring(self, vault: Vault) -> None:
        opening = vault.open(MODEL, PLAN, "x")
        path = ledger.ledger_of(vault.path)
        before, most = path.read_bytes(), 12_288  # so large is the file with the heads

        def score() -> Any:
            path.with_name("filler").write_bytes(bytes(1))
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, len(before) + 10))
            return opening.score(predict)

        assert len(before) + 10 < most
        assert in_a_process(score).startswith(("vault-disk-full", "vault-heads"))
        assert path.read_bytes() == before
        assert opening.score(predict).look == 1

    def test_the_device_that_is_always_full(self, data: Path) -> None:
        if not Path("/dev/full").exists():
            pytest.skip("there is no /dev/full here")
        with pytest.raises(OSError) as raised, open("/dev/full", "wb", buffering=0) as file:
            file.write(b"1")
        with refused("vault-disk-full", "no space"), _told(data):
            raise raised.value

    def test_a_folder_that_must_not_be_written(self) -> None:
        with unprivileged() as own_folder, home(own_folder / "home"):
            data = table(own_folder / "data.csv")
            (own_folder / "shut").mkdir()
            (own_folder / "shut").chmod(0o500)
            with refused("vault-no-permission", "shut"):
                Vault.seal(data, own_folder / "shut" / "test.vault", target="label")
            with refused("vault-no-permission", "shut"):
                Vault.seal(data, own_folder / "test.vault", target="label", training=own_folder / "shut" / "t.csv")
            assert {path.name for path in own_folder.iterdir()} == {"data.csv", "home", "shut"}
            vault = Vault.seal(data, own_folder / "open" / "test.vault", target="label").vault
            vault.path.parent.chmod(0o500)
            assert vault.verify().looks == 0
            with refused("vault-no-permission"):
                vault.open(MODEL, PLAN, "x")
            vault.path.parent.chmod(0o700)
            assert vault.open(MODEL, PLAN, "x").look == 1
            (own_folder / "shut").chmod(0o700)

    def test_a_vault_that_must_not_be_read(self) -> None:
        with unprivileged() as own_folder, home(own_folder / "home"):
            vault = Vault.seal(table(own_folder / "data.csv"), own_folder / "test.vault", target="label").vault
            for path in (vault.path, ledger.ledger_of(vault.path)):
                path.chmod(0o000)
                with refused("vault-no-permission", str(path)):
                    Vault(vault.path)
                path.chmod(0o600)
            (own_folder / "data.csv").chmod(0o000)

    def test_a_home_that_must_not_be_written(self) -> None:
        with unprivileged() as own_folder, home(own_folder / "home"):
            data = table(own_folder / "data.csv")
            own(make=True)
            folder().chmod(0o500)
            with refused("vault-heads", "heads.sqlite"):
                Vault.seal(data, own_folder / "test.vault", target="label")
            assert {path.name for path in own_folder.iterdir()} == {"data.csv", "home"}
            folder().chmod(0o700)
            vault = Vault.seal(data, own_folder / "test.vault", target="label").vault
            (folder() / "heads.sqlite").chmod(0o400)
            folder().chmod(0o500)
            with refused("vault-heads", "heads.sqlite"):
                vault.open(MODEL, PLAN, "x")
            assert [entry.kind for entry in vault.log()] == ["sealed"]  # no look is counted
            folder().chmod(0o700)

    def test_no_home_can_be_made(self, data: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with home(tmp_path / "file" / "home"), refused("vault-disk", "Making your identity"):
            Vault.seal(data, tmp_path / "test.vault", target="label")

    @pytest.mark.parametrize("bytes_", [b"no database", b"SQLite format 3\0" + bytes(5000)])
    def test_damaged_heads(self, vault: Vault, bytes_: bytes) -> None:
        (folder() / "heads.sqlite").write_bytes(bytes_)
        with refused("vault-heads", "remove that file"):
            vault.verify()


def _told(path: Path) -> Any:
    from seatrial.vault.refusal import disk_errors

    return disk_errors("Sealing", path)


class TestPredictions:
    @pytest.fixture
    def opening(self, vault: Vault) -> Opening:
        return vault.open(MODEL, PLAN, "x")

    @pytest.mark.parametrize(
        "said",
        [
            lambda inputs: predict(inputs)[1:],
            lambda inputs: np.zeros((40, 3)),
            lambda inputs: np.zeros((40, 40)),
            lambda inputs: np.zeros((2, 40, 3)),
            lambda inputs: 1,
            lambda inputs: None,
            lambda inputs: [None] * 40,
            lambda inputs: np.full(40, np.nan),
            lambda inputs: np.full(40, np.inf),
            lambda inputs: np.full(40, 0.5),
            lambda inputs: ["1"] * 40,
            lambda inputs: np.zeros(40, complex),
        ],
    )
    def test_that_do_not_fit(self, vault: Vault, opening: Opening, said: Any) -> None:
        """The look counts, and the same opening may be scored again."""
        with refused("vault-predictions"):
            opening.score(said)
        assert [entry.kind for entry in vault.log()] == ["sealed", "opened"]
        assert opening.score(predict).look == 1

    def test_a_column_is_one_prediction_an_example(self, opening: Opening) -> None:
        assert opening.score(lambda inputs: predict(inputs)[:, None]).answers["accuracy"].value is not None

    @pytest.mark.parametrize("error", [ValueError("bad shape"), SystemExit(3), KeyError("x"), MemoryError()])
    def test_a_predictor_that_fails(self, opening: Opening, error: BaseException) -> None:
        def failing(inputs: Any) -> Any:
            raise error

        with refused("vault-predictor", type(error).__name__, "test_refusals.py", "This look counts"):
            opening.score(failing)
        assert opening.score(predict).look == 1

    def test_a_predictor_that_is_interrupted(self, opening: Opening) -> None:
        def interrupted(inputs: Any) -> Any:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            opening.score(interrupted)

    def test_a_model_that_changes(self, vault: Vault) -> None:
        model = {"weights": np.zeros(3)}

        def training(inputs: Any) -> Any:
            model["weights"] += 1
            return predict(inputs)

        opening = vault.open(model, PLAN, "x")
        with refused("vault-model-changed", "This look counts"):
            opening.score(training)
        assert [entry.kind for entry in vault.log()] == ["sealed", "opened"]

    def test_weights_that_are_gone(self, vault: Vault, tmp_path: Path) -> None:
        (tmp_path / "weights").write_bytes(b"1")
        opening = vault.open(tmp_path / "weights", PLAN, "x")
        (tmp_path / "weights").unlink()
        with refused("vault-no-file", "weights"):
            opening.score(predict)
        with refused("vault-no-file", "weights"):
            vault.open(tmp_path / "weights", PLAN, "x")
        with refused("vault-model"):
            vault.open(3, PLAN, "x")

    def test_scores_are_taken_once(self, vault: Vault, opening: Opening) -> None:
        parts = opening.parts()
        next(parts)
        opening.score(predict)
        with refused("vault-scored", "another opening"):
            opening.score(predict)
        with refused("vault-scored"):
            next(opening.parts())
        assert [entry.kind for entry in vault.log()] == ["sealed", "opened", "scored"]
        parts.close()

    def test_parts_may_be_given_up(self, opening: Opening) -> None:
        before = threading.active_count()
        for _ in range(5):
            parts = opening.parts()
            next(parts)
            parts.close()
        with pytest.raises(ZeroDivisionError):
            for _ in opening.parts():
                _ = 1 / 0
        assert threading.active_count() == before
        assert sum(part.examples for part in opening.parts()) == 40

    def test_no_target(self, tmp_path: Path) -> None:
        numbers = "\n".join(f"{number},{number % 7}" for number in range(50))
        (tmp_path / "data.csv").write_text(f"a,b\n{numbers}\n")
        vault = Vault.seal(tmp_path / "data.csv", tmp_path / "test.vault").vault
        with refused("vault-no-target", "--target"):
            vault.open(MODEL, PLAN, "x").score(predict)


class TestMetrics:
    @pytest.mark.parametrize("metrics", [["acuracy"], [], [""], ["accuracy", "nope"]])
    def test_unknown(self, metrics: list[str]) -> None:
        with refused("vault-metric"):
            Plan(metrics)

    @pytest.mark.parametrize("baseline", [{"f1": 0.5}, {"accuracy": float("nan")}, {"accuracy": float("inf")}])
    def test_a_baseline_that_is_none(self, baseline: dict[str, float]) -> None:
        with refused("vault-baseline"):
            Plan(["accuracy"], baseline)

    @pytest.mark.parametrize(
        ("metric", "said"), [("roc-auc", ["0", "1"] * 20), ("log-loss", [5, 7] * 20), ("mae", ["a"] * 40)]
    )
    def test_that_cannot_be_computed(self, vault: Vault, metric: str, said: list[Any]) -> None:
        opening = vault.open(MODEL, Plan([metric]), "x")
        with refused("vault-metric-failed", metric, "This look counts"):
            opening.score(lambda inputs: said)
        assert [entry.kind for entry in vault.log()] == ["sealed", "opened"]

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), "text", None])
    def test_of_ones_own_that_are_no_number(self, vault: Vault, value: Any) -> None:
        opening = vault.open(MODEL, Plan({"mine": lambda targets, predictions: value}), "x")
        with refused("vault-metric-failed", "mine"):
            opening.score(predict)
        assert [entry.kind for entry in vault.log()] == ["sealed", "opened"]

    def test_no_reason(self, vault: Vault) -> None:
        with refused("vault-reason"):
            vault.open(MODEL, PLAN, "  ")

    def test_a_plan_that_the_vault_does_not_answer(self, data: Path) -> None:
        vault = Vault.seal(data, data.with_name("test.vault"), target="label", policy="ladder").vault
        with refused("vault-plan", "ladder"):
            vault.open(MODEL, Plan(["f1"]), "x")
        assert [entry.kind for entry in vault.log()] == ["sealed"]

    def test_thresholdout_needs_the_score_on_the_training_data(self, data: Path) -> None:
        vault = Vault.seal(data, data.with_name("test.vault"), target="label", policy="thresholdout").vault
        first = vault.open(MODEL, PLAN, "x")
        with refused("vault-training-score"):
            vault.open(MODEL, PLAN, "y")
        vault.open(MODEL, PLAN, "y", training=0.5)
        with refused("vault-training-score"):  # it was the first look when it began
            first.score(predict)

    @pytest.mark.parametrize("policy", ["nothing", ("widened", 0), ("ladder", 10, 0)])
    def test_no_rule(self, policy: Any) -> None:
        with refused("vault-pricing"):
            Policy(*policy) if isinstance(policy, tuple) else Policy(policy)
