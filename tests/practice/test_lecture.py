"""The lecture from end to end on small tasks: what was sealed stays shut, what is over is not done again."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from seatrial.errors import UsageProblem
from seatrial.practice.fitting.settings import Settings
from seatrial.practice.lecture import deciding, examination, stages, training
from seatrial.practice.lecture.conduct import practise as whole_practice
from seatrial.practice.lecture.outcome import Diary
from seatrial.practice.task import Task
from seatrial.vault.vault import Vault

FEW = Settings(epochs=3, patience=0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An identity of the test's own."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))


def practise(task: Task, out: Path, settings: Settings = FEW) -> Diary:
    """A practice that tries no copies: these are tested by themselves."""
    return whole_practice(task, out, settings, quick=True, progress=False)


def classes() -> Task:
    """Two clouds of points that a line divides."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 8, generator=generator)
    y = (x[:, 0] + x[:, 1] > 0).long()
    return Task(lambda: nn.Linear(8, 2), nn.CrossEntropyLoss(), TensorDataset(x, y), batch_size=16)


def by_heart() -> Task:
    """Classes that nothing tells, in a network that is large enough to remember them."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(200, 8, generator=generator), torch.randint(3, (200,), generator=generator)

    def wide() -> nn.Module:
        return nn.Sequential(nn.Linear(8, 256), nn.ReLU(), nn.Linear(256, 3))

    optimizer: Callable[[nn.Module], torch.optim.Optimizer] = lambda model: torch.optim.Adam(  # noqa: E731
        model.parameters(), lr=0.01
    )
    return Task(wide, nn.CrossEntropyLoss(), TensorDataset(x, y), batch_size=16, optimizer=optimizer)


def numbers() -> Task:
    """A line with noise."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 8, generator=generator)
    y = x[:, :1] * 2 + 0.1 * torch.randn(400, 1, generator=generator)
    return Task(lambda: nn.Linear(8, 1), nn.MSELoss(), TensorDataset(x, y), batch_size=16)


def test_every_stage_is_gone_through_and_the_vault_opened_once(tmp_path: Path) -> None:
    diary = practise(classes(), tmp_path / "p")
    assert list(diary.outcomes) == [stage.name for stage in stages.STAGES]
    assert [name for name, outcome in diary.outcomes.items() if outcome.skipped] == [
        "rate",
        "search",
        "imbalance",
        "ensemble",
        "refit",
    ]
    assert [entry.kind for entry in Vault(tmp_path / "p" / "test.vault").log()] == ["sealed", "opened", "scored"]
    assert "On 80 sealed examples, opened for the first time, the accuracy is" in diary.outcomes["open"].sentences[0]
    page = (tmp_path / "p" / "report.html").read_text()
    assert all(stage.title in page for stage in stages.STAGES)


def test_what_the_curves_say_is_told_in_the_chapter_of_the_training(tmp_path: Path) -> None:
    practise(by_heart(), tmp_path / "p", Settings(epochs=25, patience=0))
    page = html.unescape((tmp_path / "p" / "report.html").read_text())
    assert "the network learns its examples by heart" in page.partition("Training, watched")[2]


def test_what_is_over_is_not_done_again(tmp_path: Path) -> None:
    before = practise(classes(), tmp_path / "p").outcomes
    again = practise(classes(), tmp_path / "p").outcomes
    assert again == before
    assert len(Vault(tmp_path / "p" / "test.vault").log()) == 3


def test_an_interrupted_practice_ends_as_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unbroken = practise(classes(), tmp_path / "whole").outcomes["train"].values["epochs"]

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "_told", interrupted)  # the first training is over, but its stage is not
        with pytest.raises(KeyboardInterrupt):
            practise(classes(), tmp_path / "p")
    gone_on = practise(classes(), tmp_path / "p").outcomes["train"].values["epochs"]
    assert [epoch["validation"] for epoch in gone_on] == [epoch["validation"] for epoch in unbroken]


def test_no_training_sees_what_was_sealed(tmp_path: Path) -> None:
    task = classes()
    diary = practise(task, tmp_path / "p")
    kept = diary.value("seal", "training")
    divided = diary.value("split", "training"), diary.value("split", "validation")
    assert len(kept) == len(set(kept)) == 320
    assert sorted(divided[0] + divided[1]) == list(range(320))


def test_numbers_are_scored_by_the_root_of_their_squared_error(tmp_path: Path) -> None:
    diary = practise(numbers(), tmp_path / "p")
    assert "the rmse is" in diary.outcomes["open"].sentences[0]
    assert diary.outcomes["look"].sentences[1] == "The targets are no classes."


def test_a_wrong_task_goes_no_further_than_the_checks(tmp_path: Path) -> None:
    good = classes()
    wrong = Task(
        lambda: nn.Sequential(nn.Linear(8, 2), nn.Softmax(1)), nn.CrossEntropyLoss(), good.train, batch_size=16
    )
    diary = practise(wrong, tmp_path / "p")
    assert list(diary.outcomes)[-1] == "check"
    assert "model.softmax-before-cross-entropy" in diary.outcomes["check"].sentences[0]
    assert [entry.kind for entry in Vault(tmp_path / "p" / "test.vault").log()] == ["sealed"]


def test_what_cannot_be_sealed_is_said_and_nothing_is_opened(tmp_path: Path) -> None:
    class Noisy(torch.utils.data.Dataset[tuple[torch.Tensor, torch.Tensor]]):
        def __len__(self) -> int:
            return 200

        def __getitem__(self, at: int) -> tuple[torch.Tensor, torch.Tensor]:
            if at >= 200:
                raise IndexError
            return torch.randn(8), torch.tensor(at % 2)

    noisy = Task(lambda: nn.Linear(8, 2), nn.CrossEntropyLoss(), Noisy(), batch_size=16)
    diary = practise(noisy, tmp_path / "p")
    assert "cannot be sealed" in diary.outcomes["seal"].skipped
    assert diary.outcomes["open"].skipped == "Nothing was sealed."


def test_another_practice_does_not_go_on_in_the_same_folder(tmp_path: Path) -> None:
    practise(classes(), tmp_path / "p")
    with pytest.raises(UsageProblem, match="another task or other settings"):
        practise(classes(), tmp_path / "p", Settings(epochs=4))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    with pytest.raises(UsageProblem, match="other things in it"):
        practise(classes(), tmp_path / "full")


def test_groups_stay_together_and_later_examples_are_held_out(tmp_path: Path) -> None:
    task = classes()
    groups = [at % 20 for at in range(400)]
    diary = practise(task.having(groups=groups), tmp_path / "groups")
    kept, held_out = (diary.value("split", name) for name in ("training", "validation"))
    sealed_without = diary.value("seal", "training")
    of = [{groups[sealed_without[at]] for at in rows} for rows in (kept, held_out)]
    assert not of[0] & of[1] and len(sealed_without) == 320
    assert not {groups[at] for at in sealed_without} & {groups[at] for at in set(range(400)) - set(sealed_without)}
    diary = practise(task.having(times=list(range(400))), tmp_path / "times")
    assert diary.value("seal", "training") == list(range(320))
    assert diary.value("split", "validation") == list(range(272, 320))


def test_targets_of_binary_cross_entropy_are_classes_and_one_of_its_own_keeps_nothing_from_being_sealed(
    tmp_path: Path,
) -> None:
    x = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
    y = (x[:, :1] > 1).float()
    task = Task(lambda: nn.Linear(8, 1), nn.BCEWithLogitsLoss(), TensorDataset(x, y), batch_size=16)
    diary = practise(task, tmp_path / "binary")
    assert "each class with its share" in diary.outcomes["seal"].sentences[0]
    assert "2 classes" in diary.outcomes["look"].sentences[1]
    alone = torch.arange(100) % 2
    alone[7] = 2
    task = Task(lambda: nn.Linear(8, 3), nn.CrossEntropyLoss(), TensorDataset(x, alone), batch_size=16)
    diary = practise(task, tmp_path / "alone")
    assert diary.outcomes["seal"].sentences[0].startswith("20 examples were sealed;")
    assert not diary.outcomes["open"].skipped


def test_answers_that_cannot_be_scored_leave_the_vault_shut(tmp_path: Path) -> None:
    x = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
    several = Task(
        lambda: nn.Linear(8, 3), nn.BCEWithLogitsLoss(), TensorDataset(x, (x[:, :3] > 0).float()), batch_size=16
    )
    diary = practise(several, tmp_path / "several")
    assert "found multilabel answers" in diary.outcomes["open"].skipped
    assert not any(entry.kind == "opened" for entry in Vault(tmp_path / "several" / "test.vault").log())


def test_a_vault_that_answers_by_another_rule_is_left_to_its_own_command(tmp_path: Path) -> None:
    from seatrial.vault.policy import Policy

    task = classes()
    sealed = Vault.seal(task.train, tmp_path / "own.vault", policy=Policy("ladder"))
    rest = torch.utils.data.Subset(task.train, sealed.training.indices)
    diary = practise(task.having(train=rest, vault=tmp_path / "own.vault"), tmp_path / "p")
    assert "The vault cannot be opened with this plan" in diary.outcomes["open"].skipped


def test_values_of_examples_that_are_not_one_each_are_refused() -> None:
    given = classes()
    with pytest.raises(UsageProblem, match="groups for 400 examples, found 3"):
        Task(given.model, given.loss, given.train, groups=[1, 2, 3])
    with pytest.raises(UsageProblem, match="found both"):
        Task(given.model, given.loss, given.train, groups=range(400), times=range(400))


def test_probabilities_stay_numbers_where_a_class_has_no_weight() -> None:
    weigh = deciding.Weighing(lambda inputs: np.zeros(1), np.array([0.0, 1.0]))
    assert weigh.weighed(np.array([0.0, 1e-6, 1.0])).tolist() == pytest.approx([0.0, 1.0, 1.0], abs=1e-5)


def test_a_practice_that_died_after_the_vault_had_answered_takes_the_answer_from_its_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unbroken = practise(classes(), tmp_path / "whole").outcomes["open"]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(examination, "write", killed)  # the scores are in the ledger, the diary knows nothing of them
        with pytest.raises(KeyboardInterrupt):
            practise(classes(), tmp_path / "p")
    outcome = practise(classes(), tmp_path / "p").outcomes["open"]
    assert [entry.kind for entry in Vault(tmp_path / "p" / "test.vault").log()] == ["sealed", "opened", "scored"]
    assert outcome.values == unbroken.values
    assert (
        "opened for the first time" in outcome.sentences[0] and "stand in the vault's ledger" in outcome.sentences[-1]
    )


def test_an_opening_without_scores_is_told_and_followed_by_another_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seatrial.vault.opening import Opening

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Opening, "score", killed)
        with pytest.raises(KeyboardInterrupt):
            practise(classes(), tmp_path / "p")
    outcome = practise(classes(), tmp_path / "p").outcomes["open"]
    kinds = [entry.kind for entry in Vault(tmp_path / "p" / "test.vault").log()]
    assert kinds == ["sealed", "opened", "opened", "scored"]
    assert "after 1 look before" in outcome.sentences[0]
    assert any("Look 1 was for the same model and plan, and was interrupted" in each for each in outcome.sentences)


def test_the_hash_of_what_is_examined_changes_with_the_weights_of_its_classes(tmp_path: Path) -> None:
    from seatrial.evaluation.predictions import Predictions
    from seatrial.practice.lecture.outcome import Outcome
    from seatrial.practice.lecture.practice import Practice
    from seatrial.vault.frozen import frozen

    weights = tmp_path / "best.safetensors"
    weights.write_bytes(b"weights")
    practice = Practice(classes(), Diary(tmp_path / "p", {}), FEW, 0.2, 0.15, True, False)
    hashes: set[str] = {frozen(weights).hash}
    said = [
        Predictions("binary", np.array([0] * 8 + [1] * 4), np.linspace(low, low + 0.3, 12), np.arange(12))
        for low in (0.1, 0.5)
    ]
    chosen = [deciding.Chosen(weights, lambda inputs: np.zeros(1), each) for each in said]
    assert deciding.decided(practice, chosen[0]) is chosen[0]  # no class is rare: nothing is weighed
    practice.diary.keep("imbalance", Outcome((), values={"remedy": "threshold"}))
    hashes |= {frozen(deciding.decided(practice, each).file).hash for each in chosen}
    weights.write_bytes(b"other weights")
    hashes.add(frozen(deciding.decided(practice, chosen[0]).file).hash)
    assert len(hashes) == 4


def test_the_vault_is_opened_for_model_and_threshold_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(examination, "decided", interrupted)
        with pytest.raises(KeyboardInterrupt):
            practise(classes(), tmp_path / "p")
    diary = tmp_path / "p" / "practice.json"
    written = json.loads(diary.read_text())
    written["stages"]["imbalance"] |= {"skipped": "", "values": {"remedy": "threshold"}}
    diary.write_text(json.dumps(written))
    weights = practise(classes(), tmp_path / "p").outcomes["train"].values["weights"]
    decision = tmp_path / "p" / "decision.json"
    assert json.loads(decision.read_text())["sha256"] == hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    opened = Vault(tmp_path / "p" / "test.vault").log()[1]
    assert opened.body["model"]["hash"] == hashlib.sha256(decision.read_bytes()).hexdigest()


def test_answers_that_no_vault_scores_are_told_when_the_data_are_looked_at(tmp_path: Path) -> None:
    x = torch.randn(60, 8, generator=torch.Generator().manual_seed(0))
    several = Task(
        lambda: nn.Linear(8, 3), nn.BCEWithLogitsLoss(), TensorDataset(x, (x[:, :3] > 0).float()), batch_size=16
    )
    looked = practise(several, tmp_path / "several").outcomes["look"]
    assert "several labels an example" in looked.sentences[-1] and "it will stay shut" in looked.sentences[-1]
    assert not any("stay shut" in each for each in practise(numbers(), tmp_path / "one").outcomes["look"].sentences)


def test_one_hot_targets_are_sealed_and_set_apart_by_class(tmp_path: Path) -> None:
    given = classes()
    x = given.train.tensors[0]  # pyright: ignore
    rare = (torch.arange(400) % 20 == 0).long()
    task = given.having(train=TensorDataset(x, nn.functional.one_hot(rare, 2).float()))
    diary = practise(task, tmp_path / "p")
    assert "each class with its share" in diary.outcomes["seal"].sentences[0]
    left = diary.value("seal", "training")
    assert int(rare[left].sum()) == 16
    assert int(rare[left][diary.value("split", "validation")].sum()) == round(16 * 0.15)


def test_stretches_of_time_stay_together_where_examples_have_times(tmp_path: Path) -> None:
    from seatrial.practice.lecture.outcome import Outcome
    from seatrial.practice.lecture.practice import Practice, validation_groups

    days = [f"2024-{1 + at // 28:02}-{1 + at % 28:02}" for at in range(300)][::-1]
    practice = Practice(classes().having(times=days[:300]), Diary(tmp_path / "p", {}), FEW, 0.2, 0.15, True, False)
    practice.diary.keep("seal", Outcome((), values={"training": list(range(60, 300))}))
    practice.diary.keep("split", Outcome((), values={"validation": list(range(40))}))
    found = validation_groups(practice)
    assert found is not None and found.tolist() == [9 - at // 4 for at in range(40)]
    practice.diary.keep("split", Outcome((), values={"validation": list(range(5))}))
    assert validation_groups(practice) is None
