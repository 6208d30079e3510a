"""Of a tensor that is spread over processes only the part here is looked at: nothing is ever communicated for our sake."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import distributed, nn

from seatrial.events import Exchanged, Standing
from seatrial.measure.access import is_whole, kept, local
from seatrial.measure.parameters import before, holding, look, weight_stats
from seatrial.taps import install
from seatrial.taps.exchanges import nothing_exchanged

pytest.importorskip("torch.distributed.tensor")


@pytest.fixture(autouse=True)
def group() -> Iterator[None]:
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def spread(values: torch.Tensor) -> nn.Parameter:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    return nn.Parameter(distribute_tensor(values, init_device_mesh("cpu", (1,)), [Shard(0)]))


def test_shards_are_measured_without_a_word_to_others() -> None:
    from torch.distributed.tensor.debug import CommDebugMode

    values = torch.randn(4, 3)
    parameter, plain = spread(values), nn.Parameter(values.clone())
    for each in (parameter, plain):
        (each * each).sum().backward()
    with CommDebugMode() as heard:
        assert weight_stats(parameter) == weight_stats(plain)
        assert holding([parameter]) == [True]
        measured = look([parameter], before([parameter]))
    assert heard.get_total_counts() == 0
    assert measured == look([plain], before([plain]))
    assert (is_whole(parameter), is_whole(plain)) == (False, True)
    assert type(local(parameter)) is torch.Tensor
    assert math.isnan(kept(parameter.sum()))


def test_what_the_program_exchanges_is_counted() -> None:
    events: list[object] = []
    original = vars(distributed.ProcessGroup)["allreduce"]
    watch = install(events.append)
    distributed.all_reduce(torch.ones(3, 4))
    distributed.all_reduce(torch.ones(2))
    distributed.all_gather([torch.ones(5)], torch.ones(5))
    watch.finish()
    found = {event.kind: (event.calls, event.elements, event.apart) for event in events if isinstance(event, Exchanged)}
    assert found == {"allreduce": (2, 14, False), "allgather": (1, 10, False)}
    assert vars(distributed.ProcessGroup)["allreduce"] is original


def test_one_process_alone_has_nothing_to_compare() -> None:
    events: list[object] = []
    watch = install(events.append)
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(torch.ones(3, 2)).sum().backward()
    optimizer.step()
    watch.finish()
    assert not [event for event in events if isinstance(event, Standing)]


def test_experiments_cannot_wait_for_other_processes() -> None:
    with nothing_exchanged(), pytest.raises(RuntimeError, match="other processes"):
        distributed.all_reduce(torch.ones(1))
    distributed.all_reduce(torch.ones(1))
