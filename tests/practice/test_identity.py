"""What a folder that is gone on with knows of its task: another model, loss or optimizer is another one, in any process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tasks import clusters
from torch import nn
from torch.nn import functional

from seatrial import Task
from seatrial.practice.identity import identity

SGD: Callable[..., Any] = partial(torch.optim.SGD, lr=0.1)


def task(model: Any = lambda: nn.Linear(2, 3), loss: Any = functional.cross_entropy, **more: Any) -> Task:
    return Task(model, loss, clusters(12), **({"optimizer": lambda model: SGD(model.parameters())} | more))


def other_loss(output: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 2 * functional.cross_entropy(output, y)


TASKS = [
    task(),
    task(lambda: nn.Linear(2, 3, bias=False)),
    task(lambda: nn.Sequential(nn.Linear(2, 3))),
    task(lambda: nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.1))),
    task(loss=nn.CrossEntropyLoss()),
    task(loss=nn.CrossEntropyLoss(label_smoothing=0.1)),
    task(loss=nn.CrossEntropyLoss(weight=torch.tensor([1.0, 1.0, 2.0]))),
    task(loss=partial(functional.cross_entropy, label_smoothing=0.1)),
    task(loss=other_loss),
    task(loss=lambda output, y: 3 * functional.cross_entropy(output, y)),
    task(loss=lambda output, y: 4 * functional.cross_entropy(output, y)),
    task(optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.2)),
    task(optimizer=lambda model: torch.optim.Adam(model.parameters(), lr=0.1)),
    task(optimizer=lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)),
    task(batch_size=8),
]


def test_each_of_these_tasks_is_another_one() -> None:
    before = torch.get_rng_state()
    found = [repr(identity(each)) for each in TASKS]
    assert len(set(found)) == len(TASKS)
    assert [repr(identity(each)) for each in TASKS] == found
    assert torch.equal(torch.get_rng_state(), before)


class Dated(nn.Linear):
    """A network that keeps what is another thing each time."""

    def __init__(self) -> None:
        super().__init__(2, 3)
        self.made = next(CLOCK)


CLOCK = iter(range(1000))


def test_what_a_network_keeps_besides_its_layers_does_not_count() -> None:
    assert identity(task(Dated)) == identity(task(Dated))


PROGRAM = """
import torch
from torch import nn
from seatrial import Task
from seatrial.practice.identity import identity
{blank}
def loss(output, y):
    assert y.dtype not in {{torch.int8, torch.int16}} and "b" in {{"a", "b", "c"}}
    return nn.functional.cross_entropy(output, y)

print(identity(Task(lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU()), loss, [(torch.zeros(2), 0)])))
"""


def test_it_is_the_same_in_another_process_and_on_another_line(tmp_path: Path) -> None:
    said: set[str] = set()
    for number, blank in enumerate(("", "\n\n")):
        file = tmp_path / f"{number}.py"
        file.write_text(PROGRAM.format(blank=blank))
        said.add(subprocess.run([sys.executable, file], capture_output=True, text=True, check=True).stdout)
    assert len(said) == 1 and "'loss': 'loss " in said.pop()
