"""`%%seatrial` in IPython: the cell runs as it would, what is wrong with it is shown below, at the lines that one sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DEFINITIONS = """import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return torch.softmax(self.out(x), 1)
"""
TRAINING = """%%seatrial {options}
torch.manual_seed(0)
x = torch.randn(64, 8)
y = x[:, :3].argmax(1)
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(12):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
after = torch.rand(1).item()
{last}
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell as a notebook has one, with what it displays in `shown`."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import RichOutput
    from traitlets.config import Config

    made = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}), colors="nocolor")
    shown: list[RichOutput] = []
    monkeypatch.setattr(made.display_pub, "publish", lambda data, metadata=None, **_: shown.append(RichOutput(data)))
    made.shown = shown
    made.run_cell("%load_ext seatrial")
    yield made
    made.run_cell("%unload_ext seatrial")
    InteractiveShell.clear_instance()


def run(shell: Any, cell: str) -> Any:
    return shell.run_cell(cell, store_history=True)


def test_a_cell_that_trains_is_reported_on_below_it(shell: Any, tmp_path: Path) -> None:
    assert run(shell, DEFINITIONS).success
    result = run(shell, TRAINING.format(options="--out runs/a", last="round(loss.item(), 1) >= 0"))
    assert result.success and result.result is True
    (output,) = shell.shown
    assert output.data["text/html"].startswith('<iframe sandbox="allow-popups"')
    assert "<" not in output.data["text/html"].partition(">")[2].partition("</iframe>")[0]
    text = output.data["text/plain"]
    assert "seatrial  In[2] · completed · 12 steps" in text and "model.softmax-before-cross-entropy" in text
    assert "In[1]:10 in forward" in text and "return torch.softmax(self.out(x), 1)" in text
    (found,) = json.loads((tmp_path / "runs/a/findings.json").read_text())["findings"]
    assert found["where"][1] == {"file": "In[2]", "line": 8, "function": "<module>"}


def test_a_later_cell_shows_the_lines_of_earlier_ones(shell: Any) -> None:
    """Of which nothing but calls is seen: what they define was made before."""
    run(shell, DEFINITIONS + "model, x, y = Net(), torch.randn(64, 8), torch.arange(64) % 3\n")
    run(shell, "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)")
    for number in (3, 4):
        run(
            shell,
            "%%seatrial\nfor _ in range(4):\n    loss = nn.functional.cross_entropy(model(x), y)\n    optimizer.zero_grad()\n"
            "    loss.backward()\n    optimizer.step()",
        )
        text = shell.shown[-1].data["text/plain"]
        assert f"In[{number}] · completed · 4 steps" in text and f"In[{number}]:3" in text
        assert "In[1]:10 in forward\n  ▌ return torch.softmax(self.out(x), 1)" in text


def test_a_line_is_watched_as_a_cell_is(shell: Any, tmp_path: Path) -> None:
    run(shell, DEFINITIONS)
    body = TRAINING.format(options="", last="return settings").splitlines()[1:]
    run(shell, "\n".join(["def train(settings):", *(f"    {line}" for line in body)]))
    result = run(shell, "before = 1\nmade = %seatrial --out 'runs/a b' train({'lr': 0.1})\nmade")
    assert result.success and result.result == {"lr": 0.1}
    (output,) = shell.shown
    assert "seatrial  In[3] · completed · 12 steps" in output.data["text/plain"]
    assert "In[2]:8 in train" in output.data["text/plain"]
    assert (tmp_path / "runs/a b/report.html").is_file()
    failed = run(shell, "\n%seatrial --quiet train()")
    assert isinstance(failed.error_in_exec, TypeError) and len(shell.shown) == 1


def test_it_computes_what_it_would_without(shell: Any) -> None:
    run(shell, DEFINITIONS)
    run(shell, TRAINING.format(options="--quiet", last=""))
    watched = shell.user_ns["after"], shell.user_ns["loss"].item()
    assert shell.shown == []
    run(shell, TRAINING.format(options="", last="").partition("\n")[2])
    assert (shell.user_ns["after"], shell.user_ns["loss"].item()) == watched


def test_an_exception_is_the_cells_own_and_what_was_seen_is_shown(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, DEFINITIONS)
    result = run(shell, TRAINING.format(options="", last="1 / 0"))
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    told = "".join(capsys.readouterr())
    assert "1 / 0" in told and "notebook.py" not in told
    assert "The script failed at In[2]:13: ZeroDivisionError" in shell.shown[0].data["text/plain"]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("%%seatrial --uot x\n1", "--uot"),
        ("%seatrial --uot x f()", "--uot"),
        ("%seatrial --quiet", "Expected a statement"),
        ("%%seatrial\n1  # seatrial: ignore[model.dead-unit]", "Did you mean model.dead-units"),
        ("%%seatrial --out used\n1", "out-not-empty"),
    ],
)
def test_what_is_not_understood_is_refused_before_the_cell_runs(
    shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], cell: str, said: str
) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "mine.txt").touch()
    run(shell, cell.replace("\n1", "\nran = 1"))
    told = "".join(capsys.readouterr())
    assert said in told and "Traceback" not in told
    assert "ran" not in shell.user_ns


def test_a_cell_suppresses_as_a_script_does(shell: Any, tmp_path: Path) -> None:
    silent = "# seatrial: ignore[model.softmax-before-cross-entropy] on purpose"
    run(shell, DEFINITIONS.replace("self.out(x), 1)", f"self.out(x), 1)  {silent}"))
    run(shell, TRAINING.format(options="--out runs/a --quiet", last=""))
    told = json.loads((tmp_path / "runs/a/findings.json").read_text())
    assert told["suppressed"] == [
        {"name": "model.softmax-before-cross-entropy", "by": "In[1]:10", "reason": "on purpose"}
    ]
