"""What cannot be a task is refused with what was expected, what was found and what to do."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
import torch
from tasks import Net, clusters
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from seatrial import Task
from seatrial.errors import UsageProblem
from seatrial.practice.standing import Standing
from seatrial.practice.trying import try_out

DATA = clusters(64)
LOSS = nn.CrossEntropyLoss()
X, Y = DATA.tensors


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return itertools.repeat(DATA[0])


class Ragged(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, at: int) -> Any:
        return torch.zeros(at + 1), 0


class Alone(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, at: int) -> Any:
        return torch.zeros(8)


def refusal(*given: Any, **named: Any) -> str:
    """The message with which a task is refused, when it is made or when it is tried."""
    with pytest.raises(UsageProblem) as problem:
        try_out(Task(*given, **named))
    return str(problem.value)


@pytest.mark.parametrize(
    ("given", "named", "said"),
    [
        ((Net, LOSS, DATA), {"optimiser": 1}, "found optimiser=int 1. Did you mean optimizer? [task-argument]"),
        ((Net, LOSS, DATA), {"zebra": None}, "found zebra=None. There are: model, loss, train,"),
        ((Net, LOSS), {}, "found one without train. For instance: Task(Net,"),
        ((3, LOSS, DATA), {}, "Expected a model, or what makes one, found int 3."),
        ((Net, nn.CrossEntropyLoss, DATA), {}, "found the class CrossEntropyLoss. For instance: loss=torch.nn."),
        ((Net, LOSS, DATA), {"batch_size": 0}, "batch_size as a whole number from 1 on, found int 0."),
        ((Net, LOSS, DATA), {"inputs": "x"}, "inputs as a whole number from 1 on, found str 'x'."),
        ((Net, LOSS, DATA), {"optimizer": "adam"}, "Expected what makes an optimizer, found str 'adam'."),
        ((Net, LOSS, DATA), {"metric": {"accuracy": 1}}, "a function as the metric accuracy, found int 1."),
        ((Net, LOSS, DataLoader(DATA)), {}, "found a DataLoader. Give its data set, train=loader.dataset"),
        ((Net, LOSS, (X, Y)), {}, "Wrap them: train=torch.utils.data.TensorDataset(x, y)."),
        ((Net, LOSS, Endless()), {}, "with a length and examples by number as train, found a Endless."),
        ((Net, LOSS, TensorDataset(X[:0], Y[:0])), {}, "found a TensorDataset of length 0."),
        ((Net, LOSS, DATA), {"validation": []}, "Expected examples in validation, found an empty list of length 0."),
    ],
    ids=lambda value: None,
)
def test_arguments_that_cannot_be_right_are_refused_when_the_task_is_made(given, named, said):
    with pytest.raises(UsageProblem) as problem:
        Task(*given, **named)
    assert said in str(problem.value)


def test_an_optimizer_that_is_there_already_needs_its_model():
    optimizer = torch.optim.SGD(Net().parameters(), lr=0.1)
    assert "found one that is there already, SGD" in refusal(Net, LOSS, DATA, optimizer=optimizer)


def test_a_factory_that_makes_no_module_or_fails_is_refused():
    assert "Expected a torch.nn.Module from model(), found None" in refusal(lambda: None, LOSS, DATA)
    message = refusal(lambda width: Net(), LOSS, DATA)
    assert "Making the model by the function <lambda> failed" in message and "missing 1 required" in message


def test_a_factory_that_gives_the_same_parameters_again_is_refused():
    net = Net().eval()
    message = refusal(lambda: net, LOSS, DATA)
    assert "found the same parameters again (hidden.weight, hidden.bias, out.weight, ...)" in message
    assert not net.training
    shared = nn.Linear(8, 8)
    assert "(0.weight, 0.bias)" in refusal(lambda: nn.Sequential(shared, nn.Linear(8, 3)), LOSS, DATA)


def test_a_model_without_parameters_is_refused():
    assert "found Sequential without any" in refusal(lambda: nn.Sequential(nn.ReLU()), LOSS, DATA)


def test_an_example_that_is_no_tuple_or_has_too_few_parts_is_refused():
    assert "Expected a tuple (input, target) as an example of train, found a tensor of shape (8,)" in refusal(
        Net, LOSS, Alone()
    )
    assert "at least 2 parts, found a tuple of 1 (a tensor of shape (8,), float32)" in refusal(
        Net, LOSS, TensorDataset(X)
    )
    assert "at least 3 parts, of which inputs=3 go to the model" in refusal(Net, LOSS, DATA, inputs=3)
    assert "an example of validation" in refusal(Net, LOSS, DATA, validation=TensorDataset(X))


def test_examples_that_make_no_batch_are_refused_with_what_does():
    message = refusal(Net, LOSS, Ragged())
    assert "Making a batch of examples of train failed" in message and "collate=" in message


def test_a_model_or_loss_that_fails_is_refused_with_its_line_and_the_batch():
    message = refusal(Net, LOSS, TensorDataset(torch.zeros(8, 5), Y[:8]))
    assert "(tasks.py:" in message and "mat1 and mat2" in message
    assert "The batch was a list of 2 (a tensor of shape (8, 5), float32, a tensor of shape (8,), int64)" in message
    message = refusal(Net, LOSS, TensorDataset(X, X, Y))
    assert "takes 2 positional arguments but 3 were given" in message
    assert "its first 2 went to the model, the other 1 to the loss (see inputs=)" in message


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (nn.CrossEntropyLoss(reduction="none"), "found a tensor of shape (32,), float32. Take the mean"),
        (lambda out, y: LOSS(out, y).item(), "found float"),
        (lambda out, y: None, "found None. Return the tensor itself"),
        (lambda out, y: LOSS(out.detach(), y), "no path leads from it to a parameter. Look for detach()"),
    ],
    ids=["no reduction", "item", "none", "detached"],
)
def test_a_loss_from_which_no_backward_pass_can_begin_is_refused(loss, said):
    assert said in refusal(Net, loss, DATA)


def test_a_model_that_is_frozen_as_a_whole_is_refused():
    assert "all parameters of the model are frozen" in refusal(Net().requires_grad_(False), LOSS, DATA)


@pytest.mark.parametrize(
    ("optimizer", "said"),
    [
        (lambda model: None, "a torch.optim.Optimizer from optimizer(model), found None"),
        (lambda model: torch.optim.SGD(model, lr=0.1), "Making the optimizer for the model failed"),
        (lambda model: torch.optim.SGD(Net().parameters(), lr=0.1), "found SGD with 4 others"),
        (lambda model: torch.optim.LBFGS(model.parameters()), "found LBFGS, which needs a closure"),
    ],
    ids=["none", "fails", "others", "closure"],
)
def test_an_optimizer_that_cannot_train_the_model_is_refused(optimizer, said):
    message = refusal(Net, LOSS, DATA, optimizer=optimizer)
    assert said in message and "lambda model: torch.optim.SGD(model.parameters(), lr=0.1)" in message


def test_a_metric_without_data_or_that_gives_no_number_is_refused():
    assert "Expected validation data for the metric, found none." in refusal(Net, LOSS, DATA, metric=LOSS)
    assert "a number from the metric <lambda>, found a tensor of shape (32,), int64" in refusal(
        Net, LOSS, DATA, validation=DATA, metric=lambda out, y: out.argmax(1)
    )


# ---- what a task knows -------------------------------------------------------------------------------------------


def test_parts_of_an_example_go_to_the_model_or_the_loss():
    triple = (1, 2, 3)
    assert Task(Net, LOSS, DATA).split(triple) == ((1, 2), (3,))
    assert Task(Net, LOSS, DATA, inputs=1).split(triple) == ((1,), (2, 3))
    assert Task(Net, LOSS, DATA, inputs=3).split(triple) == ((1, 2, 3), ())


def test_the_default_optimizer_is_adam_with_its_usual_rate():
    optimizer = Task(Net, LOSS, DATA).make().optimizer
    assert type(optimizer) is torch.optim.Adam
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3]


def test_a_module_and_its_optimizer_are_copied_together():
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    made = Task(net, LOSS, DATA, optimizer=optimizer).make()
    held = [each for group in made.optimizer.param_groups for each in group["params"]]
    assert all(one is other for one, other in zip(held, made.model.parameters(), strict=True))
    assert not {id(each) for each in held} & {id(each) for each in net.parameters()}
    assert made.optimizer.param_groups[0]["momentum"] == 0.9
    for each in net.parameters():
        each.grad = torch.ones_like(each)
    optimizer.step()
    again = Task(net, LOSS, DATA, optimizer=optimizer).make().optimizer
    buffers = [state["momentum_buffer"] for state in again.state.values()]
    assert len(buffers) == 4 and all(torch.equal(each, torch.ones_like(each)) for each in buffers)


def test_a_task_can_be_copied():
    task = Task(Net, LOSS, DATA, batch_size=8)
    assert copy.copy(task).batch_size == 8


def test_a_task_knows_the_lines_of_its_arguments():
    import inspect

    first = inspect.currentframe().f_lineno + 1  # pyright: ignore[reportOptionalMemberAccess]
    task = Task(
        Net,
        loss=LOSS,
        train=DATA,
        batch_size=16,
    )
    lines = {name: place.line - first for name, place in task.places.items()}
    assert lines == {"": 0, "model": 1, "loss": 2, "train": 3, "batch_size": 4}
    assert {place.file for place in task.places.values()} == {__file__}


def test_calls_are_seen_to_come_from_the_line_of_an_argument():
    from seatrial.places import here

    task = Task(
        Net,
        LOSS,
        DATA,
    )
    place = Standing(task.places)("train", here)
    assert place is not None
    assert (place.file, place.line) == (__file__, task.places["train"].line)
    assert task.places["train"].line == task.places["model"].line + 2
