"""`%%seatrial` in a kernel, as a notebook runs it: there rich, tracebacks and files of cells are others than in a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from faulty import NAME, PROGRAM

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

CELLS = [
    "%load_ext seatrial",
    f"%%seatrial --out runs/a\n{PROGRAM}",
    "model[0].out_features, loss.shape",
    """\
import seatrial
from torch.utils.data import TensorDataset
task = seatrial.Task(model, nn.CrossEntropyLoss(), TensorDataset(x, y))
seatrial.check(task, trials="off", out="runs/b")""",
    "%%seatrial --quiet\n1 / 0",
]


@pytest.mark.slow
# Of the client's own sockets.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::DeprecationWarning:jupyter_client")
def test_a_notebook_shows_what_is_wrong_with_its_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook: Any = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, allow_errors=True, resources=resources).execute()
    _, watched, state, checked, failed = (cell.outputs for cell in notebook.cells)

    assert [output.output_type for output in watched] == ["stream", "display_data"] and "trained" in watched[0].text
    text = watched[1].data["text/plain"]
    assert f"ERROR  {NAME}  certain" in text and "In[2]:8\n  ▌ model = nn.Sequential(" in text and "\x1b" not in text
    assert watched[1].data["text/html"].startswith("<iframe sandbox=")
    assert state[0].data["text/plain"] == "(16, torch.Size([]))"
    (shown,) = checked  # the page, and nothing of progress that a notebook without widgets cannot show
    assert "In[4]:" in shown.data["text/plain"] and shown.data["text/html"].startswith("<iframe sandbox=")
    (error,) = failed
    assert error.ename == "ZeroDivisionError" and "notebook.py" not in "".join(error.traceback)
