"""What is heard for monitoring: gradients of successive steps, units, first layers' filters."""

import math

import pytest
import torch
from torch import nn

from seatrial.events import Event, Filters, GradientPair, Look, NotLookedAt, Units
from seatrial.history import Run
from seatrial.report.monitoring import monitoring
from seatrial.taps import install


def train(model: nn.Module, shape: tuple[int, ...], steps: int = 12) -> tuple[list[Event], list[torch.Tensor]]:
    """The events of a training, and the gradient of each of its steps."""
    events: list[Event] = []
    gradients: list[torch.Tensor] = []
    watch = install(events.append)
    try:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.randn(shape)).square().mean().backward()
            gradients.append(torch.cat([p.grad.detach().reshape(-1) for p in model.parameters()]).double())
            optimizer.step()
    finally:
        watch.finish()
    assert not [event for event in events if isinstance(event, NotLookedAt)]
    return events, gradients


def of(events: list[Event], kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


def test_pairs_are_of_successive_steps() -> None:
    torch.manual_seed(0)
    events, gradients = train(nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)), (8, 6))
    pairs, looks = of(events, GradientPair), of(events, Look)
    assert len(pairs) >= 5
    assert {pair.tick for pair in pairs} <= {look.tick for look in looks}
    for pair in pairs:
        g, h = gradients[pair.tick - 1], gradients[pair.tick]
        assert (pair.dot, pair.first, pair.second) == pytest.approx((float(g @ h), float(g @ g), float(h @ h)))
        assert pair.backwards == 1


def test_dead_and_saturated_units_are_told_by_module() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 4), nn.Sigmoid())
    with torch.no_grad():
        model[0].bias[:2] = -100.0
        model[2].bias[:1] = 100.0
    events, _ = train(model, (16, 6), steps=3)
    units = of(events, Units)[0]
    assert [name.rpartition(".")[2] for name in units.names] == ["1", "3"]
    assert units.dead[0] == pytest.approx(2 / 8)
    assert units.saturated[1] == pytest.approx(1 / 4)
    assert math.isnan(units.dead[1])
    assert math.isnan(units.saturated[0])
    seen = monitoring(Run.of(events))
    assert seen.dead[0].values[0] == pytest.approx(2 / 8)
    assert seen.saturated[0].values[0] == pytest.approx(1 / 4)


def test_filters_are_those_that_meet_the_pictures() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(4 * 16, 2))
    events, _ = train(model, (4, 3, 10, 10), steps=20)
    filters = of(events, Filters)
    (number,) = {each.parameter for each in filters}
    run = Run.of(events)
    known = run.parameter(number)
    assert known is not None
    assert known[1].path == "0.weight"
    (layer,) = monitoring(run).filters
    assert len(layer.pictures) == 3  # first, middle, last
    assert layer.pictures[0].tick == 1
    assert layer.pictures[-1].tick == 20
    assert [len(tile) for tile in layer.pictures[0].tiles] == [75] * 8
    assert layer.smoothness.values[0] == 0


@pytest.mark.parametrize("flat_first", [True, False])
def test_of_a_linear_layer_the_shape_is_that_of_the_pictures(flat_first: bool) -> None:
    torch.manual_seed(0)
    inner = [nn.Linear(64, 5), nn.ReLU(), nn.Linear(5, 2)]
    model = nn.Sequential(nn.Flatten(), *inner) if flat_first else nn.Sequential(*inner)
    events, _ = train(model, (4, 1, 8, 8) if flat_first else (4, 64), steps=6)
    shapes = {each.shape for each in of(events, Filters)}
    assert shapes == ({(5, 1, 8, 8)} if flat_first else set())  # 64 numbers alone are no picture


def test_the_ratio_of_sgd_lies_in_its_band() -> None:
    torch.manual_seed(0)
    events, _ = train(nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 8)), (16, 8), steps=12)
    updates = monitoring(Run.of(events)).updates
    assert updates is not None
    assert updates.measured.values == pytest.approx(updates.low.values, rel=1e-3)
    assert updates.measured.values == pytest.approx(updates.high.values, rel=1e-3)
