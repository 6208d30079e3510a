"""Scripts that set a default device: the step is replayed where it was made, experiments make their own on the CPU. The device
"meta", which computes nothing, stands in for a real one."""

from __future__ import annotations

import torch
from torch import nn

from seatrial.step.capture import Call, cut
from seatrial.step.readings import Readings
from seatrial.step.recorder import Recorder
from seatrial.step.replay import Step
from seatrial.trials import usual_device


def test_what_a_step_makes_is_made_again_on_the_default_device_that_it_had() -> None:
    recorder = Recorder(Readings(keep_values=True, measure=False))
    with torch.device("meta"):
        model, x = nn.Linear(6, 3), torch.randn(8, 6)
        recorder.modules.append(("", "Linear", model))
        with recorder:
            loss = (model(x) * torch.ones(8, 3)).sum()
    root = recorder.origins.out_of(loss)
    assert root is not None
    program = cut([root])
    replay = Step(program, [root])
    assert [call.device for call in program if isinstance(call, Call) and call.op == "ones"] == ["meta"]
    assert replay(replay.values())[0].device.type == "meta"


def test_experiments_make_their_own_tensors_on_the_cpu() -> None:
    with torch.device("meta"):
        with usual_device():
            assert torch.arange(3).device.type == "cpu"
        assert torch.arange(3).device.type == "meta"
