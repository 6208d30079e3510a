"""The fixture of the pytest plugin: a clean training passes, a faulty one fails with the report and nothing else."""

from __future__ import annotations

import pytest
from faulty import LINE, PROGRAM

pytest_plugins = ["pytester"]


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PY_COLORS", "0")
    (pytester.path / "faulty.py").write_text(PROGRAM)
    return pytester


def outcome(suite: pytest.Pytester, test: str, *words: str) -> pytest.RunResult:
    suite.makepyfile(test_it=test)
    return suite.runpytest_subprocess("-p", "no:cacheprovider", *words)


def test_a_faulty_script_fails_with_the_report_as_the_terminal_shows_it(suite: pytest.Pytester) -> None:
    ended = outcome(
        suite,
        """
        def test_training(seatrial):
            seatrial.run("faulty.py", "--x", trials="off").assert_clean()

        def test_what_is_meant_so_and_lies_at_the_root(seatrial, tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)
            found = seatrial.run("faulty.py", trials="off")
            assert found.output.split() == ["trained"] and found.status == 0
            found.assert_clean(ignore="model.softmax-before-cross-entropy")
        """,
    )
    ended.assert_outcomes(passed=1, failed=1)
    ended.stdout.fnmatch_lines(
        [
            "*_ test_training _*",
            "The program is wrong in 1 place.",
            "ERROR  model.softmax-before-cross-entropy  certain",
            f"  faulty.py:{LINE}",
            "*model = nn.Sequential(*nn.Softmax(1))",
            "*Captured stdout call*",
            "trained --x",
            "FAILED test_it.py::test_training - model.softmax-before-cross-entropy at faulty.py:*",
        ]
    )
    text = ended.stdout.str()
    for noise in ("Traceback", "pytest_plugin", "outcome.py", "assert_clean", "\nE  "):
        assert noise not in text, noise


def test_what_keeps_a_script_from_being_judged_fails_too(suite: pytest.Pytester) -> None:
    (suite.path / "fails.py").write_text("import torch\n1 / 0")
    (suite.path / "idle.py").write_text("print('nothing')")
    ended = outcome(
        suite,
        """
        import pytest

        def test_it_fails(seatrial):
            seatrial.run("fails.py").assert_clean()

        def test_it_trains_nothing(seatrial):
            seatrial.run("idle.py").assert_clean()

        def test_it_is_not_there(seatrial):
            seatrial.run("idel.py").assert_clean()

        def test_it_does_not_end(seatrial, tmp_path):
            (tmp_path / "sleeps.py").write_text("import time; time.sleep(60)")
            seatrial.run(tmp_path / "sleeps.py", timeout=0.5)
        """,
    )
    ended.assert_outcomes(failed=4)
    ended.stdout.fnmatch_lines(
        [
            "fails.py ended with exit status 1, not 0.",
            "*ZeroDivisionError*",
            "Expected a script that trains a network*no-torch*",
            "*Did you mean idle.py?*",
            "*sleeps.py did not end within 0.5 s.",
        ]
    )
    assert "pytest_plugin" not in ended.stdout.str()


def test_a_task_is_checked(suite: pytest.Pytester) -> None:
    ended = outcome(
        suite,
        """
        import torch
        from torch import nn
        from torch.utils.data import TensorDataset
        from seatrial import Task

        x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
        data = TensorDataset(x, x[:, :3].argmax(1))

        def wrong():
            return nn.Sequential(nn.Linear(8, 3), nn.Softmax(1))

        def test_the_task(seatrial):
            task = Task(lambda: nn.Linear(8, 3), nn.CrossEntropyLoss(), data)
            seatrial.check(task, trials="off").assert_clean()

        def test_a_wrong_one(seatrial):
            task = Task(wrong, nn.CrossEntropyLoss(), data)
            seatrial.check(task, trials="off").assert_clean()
        """,
    )
    ended.assert_outcomes(passed=1, failed=1)
    ended.stdout.fnmatch_lines(["FAILED test_it.py::test_a_wrong_one - model.softmax-before-cross-entropy at *"])


def test_other_failures_are_shown_as_ever_and_torch_is_not_imported_for_them(suite: pytest.Pytester) -> None:
    ended = outcome(
        suite,
        """
        import sys

        def test_other(seatrial):
            assert "torch" not in sys.modules
            assert 1 == 2
        """,
    )
    ended.stdout.fnmatch_lines([">*assert 1 == 2", "E*assert 1 == 2"])
