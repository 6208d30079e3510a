"""What was handed to a framework is found by the line that sets it going."""

from __future__ import annotations

import textwrap

import pytest

from seatrial.events import Place, SourceSeen
from seatrial.history import Run
from seatrial.rules.source import handed_line, origin


def lines_of(text: str, at: str, argument: str) -> list[str]:
    """The lines that are told for an argument of torch's, asked for at the line that holds `at`."""
    text = textwrap.dedent(text)
    run = Run.of([SourceSeen("train.py", text)])
    lines = text.splitlines()
    number = next(number for number, line in enumerate(lines, 1) if at in line)
    return [lines[place.line - 1].strip() for place in origin(run, Place("train.py", number, "<module>"), argument)]


@pytest.mark.parametrize(
    ("text", "at", "argument", "first"),
    [
        (
            """
            trainer = Trainer(
                model,
                TrainingArguments("out",
                    learning_rate=3.0))
            trainer.train()
            """,
            "trainer.train",
            "lr",
            "learning_rate=3.0))",
        ),
        (
            """
            rate = 3.0
            args = TrainingArguments("out", learning_rate=rate)
            trainer = Trainer(model, args)
            trainer.train()
            """,
            "trainer.train",
            "lr",
            "rate = 3.0",
        ),
        (
            """
            net = NeuralNetClassifier(Reader, optimizer__weight_decay=9.0)
            search = GridSearchCV(make_pipeline(StandardScaler(), net), {})
            search.fit(x, y)
            """,
            "search.fit",
            "weight_decay",
            "net = NeuralNetClassifier(Reader, optimizer__weight_decay=9.0)",
        ),
        (
            """
            net = NeuralNetClassifier(Reader)
            net.fit(x, y)
            """,
            "net.fit",
            "lr",
            "net = NeuralNetClassifier(Reader)",
        ),
        (
            """
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            """,
            "SGD",
            "weight_decay",
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)",
        ),
    ],
)
def test_a_setting_is_found_where_it_was_handed_over(text: str, at: str, argument: str, first: str) -> None:
    assert lines_of(text, at, argument)[0] == first


def test_a_schedule_is_found_by_its_name() -> None:
    text = 'net = Net(\n    callbacks=[\n        LRScheduler("StepLR", step_size=3),\n    ])\nnet.fit(x, y)\n'
    run = Run.of([SourceSeen("train.py", text)])
    found = handed_line(run, Place("train.py", 5, "<module>"), "StepLR")
    assert found is not None
    assert found.line == 3
    assert handed_line(run, Place("train.py", 5, "<module>"), "OneCycleLR") is None
