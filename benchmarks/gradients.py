"""The gradient check beside torch.autograd.gradcheck: time for every parameter of two networks, planted errors found and
named, alarms on correct layers.

    python benchmarks/gradients.py [--repeat 3]

Both checks get the same float64 parameters, the same data and the same scalar loss, on one thread. gradcheck is in its slow
mode (every element, as ours); its faster mode looks at one random projection.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812

from seatrial import check_gradients
from seatrial.trials.gradients.checking import check

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "trials" / "gradients"))


class Transformer(nn.Module):
    """Two encoder layers over six tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 16)
        self.positions = nn.Parameter(0.1 * torch.randn(6, 16))
        self.layers = nn.Sequential(*[nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True) for _ in range(2)])
        self.head = nn.Linear(16, 5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(self.embedding(tokens) + self.positions).mean(1))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 9, 24),
        nn.ReLU(),
        nn.Linear(24, 10),
    )


def loss_of(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[..., torch.Tensor]:
    """The loss as a function of the parameters."""
    names = [name for name, _ in model.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, parameters, strict=True))
        return F.cross_entropy(functional_call(model, state, (x,)), y)

    return loss


def seconds(function: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """The shortest time of several runs, and the last result."""
    times: list[float] = []
    result: Any = None
    for _ in range(repeat):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    return min(times), result


def compare_times(name: str, model: nn.Module, x: torch.Tensor, y: torch.Tensor, repeat: int) -> None:
    model = model.double()
    loss = loss_of(model, x, y)
    values = [parameter.detach().clone() for parameter in model.parameters()]
    leaves = [value.clone().requires_grad_(True) for value in values]
    ours, comparisons = seconds(lambda: check(lambda given: (loss(*given),), values), repeat)
    theirs, passed = seconds(lambda: torch.autograd.gradcheck(loss, leaves, raise_exception=False), 1)
    elements = sum(each.elements for each in comparisons)
    right = all(each.ok for each in comparisons)
    overall = max(each.overall for each in comparisons)
    print(
        f"{name:12} {elements:6} elements   seatrial {ours:6.2f} s ({'right' if right else 'WRONG'}, largest difference "
        f"{overall:.0e})   gradcheck {theirs:6.2f} s ({'passed' if passed else 'failed'})   {theirs / ours:5.1f} times faster"
    )


def planted_errors() -> None:
    import planted

    found, named, theirs = 0, 0, 0
    for make in planted.CASES.values():
        torch.manual_seed(0)
        function, inputs, kind = make()
        report = check_gradients(function, *inputs)
        found += not report.ok
        named += kind in {each.slip for each in report.wrong}
        theirs += not _gradcheck(function, inputs)
    count = len(planted.CASES)
    print(f"planted errors: {count}   seatrial found {found}, named {named}   gradcheck found {theirs}, names none")


def _gradcheck(function: Callable[..., Any], inputs: tuple[Any, ...]) -> bool:
    """gradcheck of the inputs, and of the parameters where the function is a module."""
    doubled = [
        value.detach().double().requires_grad_(True) if torch.is_tensor(value) and value.is_floating_point() else value
        for value in inputs
    ]
    if isinstance(function, nn.Module):
        function = function.double()
        doubled += list(function.parameters())
        count, module = len(inputs), function
        names = [name for name, _ in module.named_parameters()]

        def function(*given: Any) -> Any:
            return functional_call(module, dict(zip(names, given[count:], strict=True)), given[:count])

    return torch.autograd.gradcheck(function, doubled, raise_exception=False)


def alarms() -> None:
    import layers_of_torch

    wrong: list[str] = []
    elements, excluded = 0, 0
    for name, make in layers_of_torch.CASES.items():
        torch.manual_seed(0)
        function, inputs = make()
        report = check_gradients(function, *inputs)
        wrong += [] if report.ok else [name]
        elements += sum(each.elements for each in report.comparisons)
        excluded += sum(each.excluded for each in report.comparisons)
    count = len(layers_of_torch.CASES)
    print(f"correct layers: {count}   alarms {len(wrong)} {wrong}   elements {elements}, {excluded} of them at kinks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    repeat = parser.parse_args().repeat
    torch.set_num_threads(1)
    torch.manual_seed(0)
    check_gradients(nn.Linear(2, 2), torch.randn(2, 2))  # what is imported at the first use
    images, labels = torch.randn(2, 1, 12, 12, dtype=torch.float64), torch.randint(10, (2,))
    compare_times("CNN", convolutional(), images, labels, repeat)
    tokens, classes = torch.randint(20, (2, 6)), torch.randint(5, (2,))
    compare_times("transformer", Transformer(), tokens, classes, repeat)
    planted_errors()
    alarms()


if __name__ == "__main__":
    main()
