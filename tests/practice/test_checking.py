"""A task on trial: what is found in it, where, and that nothing that the caller has is changed."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tasks
import torch
from tasks import FrozenOutput, InList, Net, Softmaxed, clusters
from torch import nn
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks
from torch.overrides import _get_current_function_mode_stack
from torch.utils.data import DataLoader, TensorDataset

import seatrial
from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.events import ModelSeen

LOSS = nn.CrossEntropyLoss()
TASKS = Path(tasks.__file__).read_text().splitlines()
# All that the taps put something of theirs into.
PATCHED = (torch, torch.Tensor, torch.autograd, torch.nn.Module, torch.nn.functional, torch.nn.utils, torch.random,
           torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler, torch.cuda, torch.cuda.random, torch.nn.init,
           DataLoader, random, np.random, torch.serialization)  # fmt: skip


def check(task: Task, **options: Any) -> seatrial.Check:
    return seatrial.check(task, progress=False, **options)


def clean_task(**named: Any) -> Task:
    return Task(Net, LOSS, clusters(), validation=clusters(96, seed=1), **named)


def attributes() -> dict[tuple[str, str], int]:
    return {(str(owner), name): id(value) for owner in PATCHED for name, value in vars(owner).items()}


def states() -> list[bytes]:
    state: Any = np.random.get_state()
    return [torch.get_rng_state().numpy().tobytes(), str(random.getstate()).encode(), state[1].tobytes()]


# ---- what is found -----------------------------------------------------------------------------------------------


def test_nothing_is_said_of_a_clean_task(tmp_path):
    found = check(clean_task(), out=tmp_path)
    assert [finding for finding in found.findings if finding.severity != "note"] == []
    assert found.verdict.not_looked_at == ()
    found.assert_clean()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["findings.json", "record.sqlite", "report.html"]
    assert found.report == tmp_path / "report.html"
    # Sixty, but on a machine that is busy.
    assert 12 <= json.loads((tmp_path / "findings.json").read_text())["observation"]["steps"] <= 60


@pytest.mark.parametrize(
    ("network", "name", "code"),
    [
        (Softmaxed, "model.softmax-before-cross-entropy", "torch.softmax("),
        (FrozenOutput, "loop.frozen-parameters", "self.out = nn.Linear(32, 3)"),
        (InList, "model.unregistered-parameters", "self.others = ["),
    ],
)
def test_a_fault_of_the_network_is_found_in_its_line(network, name, code, tmp_path):
    found = check(Task(network, LOSS, clusters()), out=tmp_path)
    first = found.findings[0]
    assert first.name == name
    assert first.where[0].file == tasks.__file__
    assert code in TASKS[first.where[0].line - 1]
    with pytest.raises(AssertionError) as failure:
        found.assert_clean()
    shown = str(failure.value)
    assert name in shown and code in shown and str(found.report) in "".join(shown.split())


def test_a_fault_of_the_task_is_found_in_the_line_of_its_argument(tmp_path):
    task = Task(
        Net,
        LOSS,
        clusters(),
        optimizer=lambda model: torch.optim.Adam(model.hidden.parameters(), lr=1e-3),
    )
    first = check(task, out=tmp_path, trials="quick").findings[0]
    assert first.name == "loop.parameters-not-optimised"
    assert (first.where[0].file, first.where[0].line) == (__file__, task.places["optimizer"].line)


def test_validation_data_that_were_trained_on_are_found_where_they_are_given(tmp_path):
    data = clusters()
    task = Task(
        Net,
        LOSS,
        data,
        validation=TensorDataset(*data[:96]),
    )
    first = check(task, out=tmp_path, trials="off").findings[0]
    assert first.name == "data.split-overlap"
    assert first.where[0].line == task.places["validation"].line


def test_the_suspicion_is_proven_where_trials_are_full(tmp_path):
    def of(trials: Any) -> Any:
        task = Task(Net, LOSS, clusters(), optimizer=lambda model: torch.optim.SGD(model.out.parameters(), lr=0.1))
        return check(task, out=tmp_path, trials=trials).findings[0]

    assert of("quick").proof is None
    proof = of("full").proof
    assert proof is not None and proof["loss_with"] < proof["loss_without"]


def test_a_module_that_was_trained_already_is_looked_at_as_it_is(tmp_path):
    net = Net()
    net.drop = nn.Dropout(0.0)  # which would tell equal units apart
    for each in net.parameters():
        nn.init.constant_(each, 0.1)
    found = check(Task(net, LOSS, clusters(), optimizer=torch.optim.Adam(net.parameters())), out=tmp_path)
    assert "model.symmetric-initialisation" in [finding.name for finding in found.findings]
    (built,) = found.verdict.run.optimizers.values()
    learned = {info.parameter for info in next(iter(found.verdict.run.models.values())).parameters}
    assert built.type == "Adam" and set(built.groups[0].parameters) == learned


# ---- nothing is changed ------------------------------------------------------------------------------------------


def test_a_check_leaves_everything_as_it_was(tmp_path):
    net = Net().eval()
    optimizer = torch.optim.Adam(net.parameters())
    data = clusters()
    before = copy.deepcopy(net.state_dict()), [each.clone() for each in data.tensors]
    patches, randomness = attributes(), states()
    with torch.no_grad():
        check(Task(net, LOSS, data, optimizer=optimizer, validation=data), out=tmp_path)
        check(clean_task(), out=tmp_path, trials="off")
        assert not torch.is_grad_enabled()
    assert attributes() == patches
    assert states() == randomness
    assert _get_current_function_mode_stack() == []
    assert not _global_optimizer_pre_hooks and not _global_optimizer_post_hooks
    assert not net.training and not optimizer.state
    assert all(each.grad is None for each in net.parameters())
    assert all(torch.equal(value, before[0][name]) for name, value in net.state_dict().items())
    assert all(torch.equal(one, other) for one, other in zip(data.tensors, before[1], strict=True))


def test_a_task_that_fails_on_its_way_leaves_torch_as_it_was(tmp_path):
    class Late(torch.utils.data.Dataset[Any]):
        """One example, far from the first batch, is of another size."""

        data = clusters(128)

        def __len__(self) -> int:
            return 128

        def __getitem__(self, at: int) -> Any:
            x, y = self.data[at]
            return (x[:5] if at == 100 else x), y

    patches, randomness = attributes(), states()
    with pytest.raises(UsageProblem) as problem:
        check(Task(Net, LOSS, Late()), out=tmp_path)
    assert "Training in step" in str(problem.value) and "stack expects each tensor to be equal size" in str(
        problem.value
    )
    assert attributes() == patches and states() == randomness


def test_two_checks_of_a_task_say_the_same(tmp_path):
    def losses(folder: str, seed: int) -> Any:
        torch.manual_seed(seed)
        run = check(clean_task(), out=tmp_path / folder, trials="off").verdict.run
        return run.losses[run.main_call].values[:12]

    one = losses("one", 1)
    assert len(one) == 12
    assert one == losses("other", 2)


def test_importing_seatrial_needs_no_torch_until_the_api_is_used():
    code = "import seatrial, sys; before = 'torch' in sys.modules; seatrial.Task; print(before, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"


def test_in_a_program_that_is_watched_a_check_says_the_same_and_the_watch_hears_nothing_of_it(tmp_path):
    from seatrial.taps import install

    def train() -> Any:
        net, (x, y) = Net(), clusters().tensors
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            LOSS(net(x), y).backward()
            optimizer.step()

    alone = check(Task(Softmaxed, LOSS, clusters()), out=tmp_path / "alone", trials="off")
    heard: list[Any] = []
    watch = install(heard.append)
    try:
        train()
        before, patches = watch.tick, attributes()
        within = check(Task(Softmaxed, LOSS, clusters()), out=tmp_path / "within", trials="off")
        assert (watch.tick, attributes(), watch.on) == (before, patches, True)
        train()
    finally:
        watch.finish()
    assert [finding.name for finding in within.findings] == [finding.name for finding in alone.findings]
    assert watch.tick == 8
    assert [event.type for event in heard if isinstance(event, ModelSeen)] == ["Net", "Net"]


# ---- how it is asked ---------------------------------------------------------------------------------------------


def test_what_is_no_task_and_trials_that_are_none_are_refused():
    with pytest.raises(UsageProblem, match=r"Expected a Task, found the module Net\."):
        check(Net())  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageProblem, match="trials as one of full, quick, off, found 'some'"):
        check(clean_task(), trials="some")


def test_findings_that_are_meant_so_are_passed_over_and_unknown_names_are_refused(tmp_path):
    found = check(Task(FrozenOutput, LOSS, clusters()), out=tmp_path, trials="off")
    with pytest.raises(AssertionError, match=r"loop\.frozen-parameters"):
        found.assert_clean(ignore=["model.dead-units"])
    found.assert_clean(ignore=["loop.frozen-parameters"])
    found.assert_clean(ignore="loop.frozen-parameters")
    with pytest.raises(UsageProblem, match=r"Did you mean loop\.frozen-parameters"):
        found.assert_clean(ignore=["frozen-parameter"])


def test_in_a_notebook_the_outcome_is_its_page(tmp_path):
    found = check(clean_task(), out=tmp_path, trials="off")
    page = found._repr_html_()
    assert page.startswith("<iframe sandbox=") and "&lt;html" in page.lower() and "<html" not in page.lower()
    assert "Nothing wrong was found" in str(found)


def test_lines_of_a_cell_of_a_notebook_are_quoted(tmp_path):
    """A cell is in no file: its source is in `linecache`, as IPython leaves it there."""
    import linecache

    file = "/tmp/ipykernel_1/42.py"
    cell = "class Cell(Net):\n    def forward(self, x):\n        return torch.softmax(super().forward(x), dim=1)\ntask = Task(Cell, LOSS, data)\n"
    linecache.cache[file] = (len(cell), None, cell.splitlines(keepends=True), file)
    try:
        names: dict[str, Any] = {"Net": Net, "torch": torch, "Task": Task, "LOSS": LOSS, "data": clusters()}
        exec(compile(cell, file, "exec"), names)
        found = check(names["task"], out=tmp_path, trials="off")
    finally:
        del linecache.cache[file]
    assert found.findings[0].where[0].line == 3
    assert "return torch.softmax(super().forward(x), dim=1)" in str(found)
