"""An ensemble from end to end on a small task: made once, loaded, frozen, opened a vault for; what is wrong is refused first."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from tasks import Net, clusters
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.evaluation.calibration.temperature import rescaled
from seatrial.evaluation.predictions import Predictions
from seatrial.evaluation.voting.votes import soft
from seatrial.practice.ensembles import making as making_file
from seatrial.practice.ensembles.ensemble import Ensembled, ensemble
from seatrial.practice.ensembles.saved import Ensemble
from seatrial.practice.ensembles.showing import as_dict, show, write
from seatrial.practice.fitting.settings import Settings
from seatrial.vault.plan import Plan
from seatrial.vault.vault import Vault

pytest.importorskip("lightning_fabric")
FEW = Settings(epochs=4, patience=0, accelerator="cpu")


def task(**changes) -> Task:
    given = {"validation": clusters(200, 1), "optimizer": lambda model: torch.optim.Adam(model.parameters(), lr=0.01)}
    return Task(Net, nn.CrossEntropyLoss(), clusters(256), **given | {"name": "clusters"} | changes)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ensembled:
    out = tmp_path_factory.mktemp("ensemble") / "e"
    state = torch.get_rng_state()
    kinds = ("seeds", "snapshots", "averages", "soup", "classical")
    found = ensemble(task(), out, FEW, members=2, kinds=kinds, progress=False)
    assert torch.equal(state, torch.get_rng_state())
    return found


def test_members_of_all_kinds_are_there(made: Ensembled) -> None:
    names = [each.name for each in made.members]
    assert [each for each in names if each != "soup"] == [
        *("seed-0", "seed-1", "snapshot-1", "snapshot-2", "ema", "swa", "trees", "neighbours", "linear")
    ]
    assert all(each.file.is_file() for each in made.members)
    weights = [network.read_bytes() for network in sorted((made.folder / "members").glob("*.safetensors"))]
    assert len(set(weights)) == len(weights)


def test_snapshots_are_the_ends_of_cycles(made: Ensembled) -> None:
    epochs = json.loads((made.folder / "trainings" / "snapshots" / "history.json").read_text())
    assert [each["rate"] for each in epochs] == pytest.approx([0.005, 0.01, 0.005, 0.01])  # it has begun anew by then
    kept = sorted(each.name for each in (made.folder / "trainings" / "snapshots").glob("*.safetensors"))
    assert kept == ["best.safetensors", "epoch-0002.safetensors", "last.safetensors"]


def test_the_chosen_one_can_be_loaded_and_says_the_same(made: Ensembled) -> None:
    found = Ensemble.load(made.folder, task())
    said = found.predict(clusters(200, 1))
    kept = Predictions.read(made.folder / "predictions" / "ensemble.npz")
    assert np.abs(said.scores - kept.scores).max() < 1e-6 and said.model == "ensemble"
    weights = [each.weight for each in found.voices]
    assert sum(weights) == pytest.approx(1) and min(weights) > 0
    voices = [Predictions.read(made.folder / "predictions" / f"{each.name}.npz") for each in found.voices]
    pooled = soft(voices, weights, of=found.vote)
    assert np.abs(rescaled(pooled, found.temperature).scores - kept.scores).max() < 1e-9
    fresh = found.predict(clusters(50, 2), data_name="new", groups=np.arange(50) // 2)
    assert len(fresh) == 50 and fresh.groups is not None


def test_honest_figures_and_sentences_are_written(made: Ensembled, tmp_path: Path) -> None:
    chosen = made.choice.chosen
    honest = [each.worth.better.held_out for each in made.choice.combinations if each.worth is not None]
    assert chosen.worth is not None and chosen.worth.better.held_out == min(honest) and len(honest) == 4
    write(made, tmp_path)
    told = json.loads((tmp_path / "figures.json").read_text())
    assert told["members"] == as_dict(made)["members"]
    assert told["calibration"]["temperature"] > 0
    assert told["promised"] == pytest.approx(made.choice.promised) and math.isfinite(made.choice.promised)
    names = ["best member", "equal votes", "mean of logs", "greedy selection", "hard vote"]
    assert [each["name"] for each in told["combinations"]] == names
    assert told["independence"]["got"] == pytest.approx(made.choice.combinations[4].error)
    assert ">greedy selection<" in (tmp_path / "ensemble.svg").read_text()
    console = Console(width=160, record=True, file=io.StringIO())
    show(made, console)
    text = console.export_text()
    assert (
        "If their errors were independent" in text
        and "on other halves" in text
        and "only data that chose nothing" in text
    )


def test_what_is_finished_is_not_made_again(made: Ensembled, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*given, **named):
        raise AssertionError("trained again")

    monkeypatch.setattr(making_file, "fit", fit)
    before = made.ensemble.file.read_bytes()
    kinds = ("seeds", "snapshots", "averages", "soup", "classical")
    again = ensemble(task(), made.folder, FEW, members=2, kinds=kinds, progress=False)
    assert again.ensemble.file.read_bytes() == before
    with pytest.raises(UsageProblem, match="members 2 before and 3 now"):
        ensemble(task(), made.folder, FEW, members=3, progress=False)
    with pytest.raises(UsageProblem, match="validation"):  # as many examples, but others
        ensemble(task(validation=clusters(200, 9)), made.folder, FEW, members=2, progress=False)


def test_checkpoints_are_members_once_each_and_another_models_are_refused(made: Ensembled, tmp_path: Path) -> None:
    torch.save({"state_dict": Net().state_dict()}, tmp_path / "own.pt")
    paths = [made.folder / "trainings" / "seed-0", made.folder / "members" / "seed-0.safetensors", tmp_path / "own.pt"]
    found = ensemble(task(), tmp_path / "e", FEW, kinds=(), checkpoints=paths, progress=False)
    names = [each.name.rpartition("-")[0] for each in found.members]  # the last epoch was the best one
    assert names == ["best", "epoch-0001", "epoch-0002", "epoch-0003", "own"]
    torch.save(nn.Linear(8, 3).state_dict(), tmp_path / "other.pt")
    for path, slug in ((tmp_path / "other.pt", "weights of this task"), (tmp_path / "no", "Check the path")):
        with pytest.raises(UsageProblem, match=slug):
            ensemble(task(), tmp_path / "f", FEW, checkpoints=[path], progress=False)
    assert not any((tmp_path / "f" / "trainings").iterdir())  # refused before anything was trained


def test_a_vault_is_opened_for_all_members_as_for_one_frozen_model(
    made: Ensembled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    Vault.seal(clusters(300, 5), tmp_path / "test.vault", split=0.5, duplicates="move")
    found = Ensemble.load(made.folder / "ensemble.json", task())
    opening = Vault(tmp_path / "test.vault").open(found.file, Plan(["accuracy"], {"accuracy": 0.4}), "a test")
    answer = opening.score(found.predictor()).answers["accuracy"]
    assert answer.value is not None and answer.value > 0.6


def test_a_member_that_has_changed_is_told(made: Ensembled, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(made.folder, folder)
    found = Ensemble.load(folder, task())
    file = folder / found.voices[0].file
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    for use in (lambda: found.predict(clusters(20, 3)), lambda: Ensemble.load(folder, task())):
        with pytest.raises(UsageProblem, match="ensemble-changed"):
            use()
    (folder / "ensemble.json").write_text("{}")
    with pytest.raises(UsageProblem, match="ensemble-file"):
        Ensemble.load(folder, task())
    with pytest.raises(UsageProblem, match="ensemble-none"):
        Ensemble.load(tmp_path, task())


@pytest.mark.parametrize(
    ("given", "named", "slug"),
    [
        ({"validation": None}, {}, "ensemble-validation"),
        ({}, {"kinds": ["seed"]}, "ensemble-kinds"),
        ({}, {"kinds": []}, "ensemble-kinds"),
        ({}, {"members": 0}, "ensemble-members"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(given, named, slug, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=slug):
        ensemble(task(**given), tmp_path / "e", FEW, **named)
    assert not (tmp_path / "e").exists()


def test_numbers_are_averaged_and_a_failed_member_is_left_out(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(300, 8, generator=generator)
    y = x[:, :1] * 2 + 0.5 * torch.randn(300, 1, generator=generator)

    def model() -> nn.Module:
        linear = nn.Linear(8, 1)
        if torch.initial_seed() == 1:
            linear.weight.data.fill_(float("nan"))  # this one comes to nothing
        return linear

    of = Task(model, nn.MSELoss(), TensorDataset(x[:200], y[:200]), validation=TensorDataset(x[200:], y[200:]))
    found = ensemble(of, tmp_path / "e", FEW, members=2, kinds=("seeds", "classical"), progress=False)
    assert [each.name for each in found.members] == ["seed-0", "trees", "neighbours", "linear"]
    assert found.left_out[0].startswith("seed-1: Training ended")
    assert found.independence is None and found.diversity is not None
    assert found.choice.loss == "squared error"
    said = found.ensemble.predict(of.validation)  # pyright: ignore[reportArgumentType]
    assert said.kind == "regression" and said.scores.shape == (100,)


def test_pixels_cannot_vote_and_that_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    data = TensorDataset(torch.randn(40, 3, 4, 4), torch.zeros(40, 4, 4).long())
    of = Task(lambda: nn.Conv2d(3, 2, 1), nn.CrossEntropyLoss(), data, validation=data)
    with pytest.raises(UsageProblem, match="vote-segmentation"):
        ensemble(of, tmp_path / "e", FEW)
    assert not (tmp_path / "e").exists()


def test_the_command_prints_members_combinations_and_what_they_support(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from seatrial.cli.ensemble import command

    (tmp_path / "task.py").write_text(
        "from tasks import Net, clusters\nfrom torch import nn\nfrom seatrial import Task\n"
        "task = Task(Net, nn.CrossEntropyLoss(), clusters(256), validation=clusters(80, 1))\n"
    )
    given = ["--kinds", "classical", "--out", str(tmp_path / "e"), str(tmp_path / "task.py")]
    found = CliRunner(env={"COLUMNS": "200"}).invoke(command, given, standalone_mode=False)
    assert found.exception is None and found.return_value == 0
    for words in ("gradient boosting on 256 examples of 8 features", "on other halves", "chosen", "ensemble.json"):
        assert words in found.output
    assert {each.name for each in (tmp_path / "e").iterdir()} == {
        *("plan.json", "ensemble.json", "figures.json", "ensemble.svg", "members", "predictions", "trainings")
    }
    wrong = CliRunner().invoke(command, ["--kinds", "seed", str(tmp_path / "task.py")], standalone_mode=False)
    assert isinstance(wrong.exception, UsageProblem) and "ensemble-kinds" in str(wrong.exception)


def test_too_few_validation_examples_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="ensemble-examples"):
        ensemble(task(validation=clusters(7, 1)), tmp_path / "e", FEW, progress=False)
    with pytest.raises(UsageProblem, match="ensemble-examples"):
        ensemble(task(), tmp_path / "e", FEW, groups=np.arange(200) % 7, progress=False)
    assert not (tmp_path / "e").exists()
