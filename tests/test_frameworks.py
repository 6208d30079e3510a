"""The examples of examples/frameworks, with the real frameworks: watched they end as they do unwatched and nothing is said of
them; of a fault that each framework leaves to its user, the name and the user's own line are."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from page_server import Server

FOLDER = Path(__file__).parent.parent / "examples" / "frameworks"
# What a program is followed by: the weights that it ends with, and where it leaves the random numbers.
DIGEST = """
import hashlib
import torch
print(hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in ({model}).parameters())).hexdigest())
print(torch.rand(3).tolist())
"""
DATA = ("sklearn.datasets", "sklearn.model_selection")
TIMES = re.compile(r"'\w*(runtime|per_second)': [^,}]*")


@dataclass(frozen=True)
class Case:
    """A framework's module to import; the model's name in its example; a fault as text for text; what is to be said of it, and
    a part of the line to be pointed at; fewer epochs, which do for the fault."""

    module: str
    example: str
    model: str
    fault: tuple[tuple[str, str], ...]
    finding: str
    line: str
    shorter: tuple[str, str]


CASES = (
    Case(
        "pytorch_lightning",
        "lightning_digits",
        "model",
        (
            ("        self.lr = lr\n", "        self.lr = lr\n        self.automatic_optimization = False\n"),
            (
                "        return loss\n",
                "        self.manual_backward(loss)\n        self.optimizers().step()\n"
                "        if self.trainer.is_last_batch:\n            self.lr_schedulers().step()\n",
            ),
        ),
        "loop.missing-zero-grad",
        "self.manual_backward(loss)",
        ("max_epochs=8", "max_epochs=4"),
    ),
    Case(
        "transformers.trainer",
        "transformers_digits",
        "model",
        (("learning_rate=3e-3", "learning_rate=3.0"),),
        "optimisation.learning-rate-too-high",
        "learning_rate=3.0",
        ("num_train_epochs=6", "num_train_epochs=4"),
    ),
    Case(
        "accelerate",
        "accelerate_digits",
        "model",
        (("            optimizer.zero_grad()\n", ""),),
        "loop.missing-zero-grad",
        "accelerator.backward(loss)",
        ("EPOCHS = 8", "EPOCHS = 4"),
    ),
    Case(
        "skorch",
        "skorch_digits",
        "net.module_",
        (("    criterion=nn.CrossEntropyLoss,\n", ""),),
        "model.unstable-numerics",
        "return self.out(x)",
        ("max_epochs=8", "max_epochs=4"),
    ),
    Case(
        "ignite.metrics",
        "ignite_digits",
        "model",
        (("@trainer.on(Events.ITERATION_COMPLETED)", "@trainer.on(Events.EPOCH_COMPLETED)"),),
        "loop.scheduler-misplaced",
        "scheduler.step()",
        ("EPOCHS = 8", "EPOCHS = 4"),
    ),
)
each_framework = pytest.mark.parametrize("case", CASES, ids=lambda case: case.example)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Where seatrial listens before a framework is imported, as it does for any program."""
    running = Server(*DATA)
    yield running
    running.close()


@pytest.fixture(scope="module")
def ready() -> Iterator[Server]:
    """Where the frameworks are imported already, which saves the most of the time."""
    running = Server(*DATA, *(case.module for case in CASES if importlib.util.find_spec(case.module.partition(".")[0])))
    yield running
    running.close()


def _replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


def _example(case: Case) -> str:
    name = case.module.partition(".")[0]
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is missing: pip install seatrial[frameworks]")
    return (FOLDER / f"{case.example}.py").read_text()


@pytest.mark.slow
@each_framework
def test_an_example_ends_as_it_does_unwatched_and_nothing_is_said_of_it(
    case: Case, server: Server, ready: Server, tmp_path: Path
) -> None:
    text = _example(case) + DIGEST.format(model=case.model)
    alone = TIMES.sub("", ready.output(text, tmp_path))
    watched = TIMES.sub("", server.output(text, tmp_path, "quick"))
    assert "accuracy" in alone
    assert watched == alone
    assert _alarms(Server.told(tmp_path)) == []


@pytest.mark.slow
@each_framework
def test_a_fault_is_found_in_the_line_of_its_author(case: Case, ready: Server, tmp_path: Path) -> None:
    text = _replaced(_example(case), case.shorter, *case.fault)
    ready.output(text, tmp_path, "off")
    listed = Server.told(tmp_path)
    assert _alarms(listed) == [case.finding]
    assert case.line in text.splitlines()[listed[0]["where"][0]["line"] - 1]


def _alarms(listed: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in listed if each["severity"] != "note"]
