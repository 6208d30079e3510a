"""Clearing, computing and using gradients in the right order: what is wrong is found, what only looks odd is not."""

from __future__ import annotations

import pytest

from seatrial.events import GraphSeen, Node, Ref, TensorInfo
from tests.rules.loop.histories import History

ZERO = "loop.missing-zero-grad"
CLEARED = "loop.gradients-cleared-before-step"
STEP = "loop.missing-optimizer-step"
BACKWARD = "loop.missing-backward"
ALL = (ZERO, CLEARED, STEP, BACKWARD)


def plain() -> History:
    return History().model(0, [0]).optimizer(0, [0]).fate(0)


def looked(history: History, gradient: float = 1.0, stale: float = 0.0) -> History:
    return history.look(0, 0, [0], gradient, float("nan")).look(3, 0, [0], gradient, stale)


def reaches(call: int, *parameters: int) -> GraphSeen:
    """A recorded step in which gradients flow to these parameters."""
    grown = (TensorInfo((1,), "float32", True),)
    leaves = [Node(i, "leaf", "", (), {}, grown, "parameter", "", p) for i, p in enumerate(parameters)]
    loss = Node(len(leaves), "add", "", tuple(Ref(leaf.index) for leaf in leaves), {}, grown)
    return GraphSeen(0, "training", call, 0, (*leaves, loss), (Ref(loss.index),), (), 1.0, None, True)


@pytest.mark.parametrize(
    "turn",
    [
        ("0 zero_grad", "forward:train grad", "backward", "0 step"),
        ("forward:train grad", "0 zero_grad", "backward", "0 step"),
        ("forward:train grad", "backward", "0 step", "0 zero_grad"),
        ("forward:train grad", "backward@5", "forward:train grad", "backward@6", "0 step", "0 zero_grad"),
        ("0 zero_grad", "forward:train grad", "backward", "forward:train grad", "backward", "0 step"),
        ("0 zero_grad:module", "forward:train grad", "backward", "clip:norm 1", "0 step", "0 schedule:StepLR"),
        ("forward:train grad", "backward@7", "0 zero_grad", "forward:train grad", "backward@9", "0 step"),
    ],
    ids=["first", "between", "last", "two losses", "accumulated", "by the model", "a gradient that is meant to go"],
)
def test_correct_orders_are_not_flagged(turn: tuple[str, ...]) -> None:
    end = turn.index("0 step") + 1
    history = looked(plain().turns(1, *turn[:end]).turns(40, *turn[end:], *turn[:end]))
    assert [finding for name in ALL for finding in history.alarms(name)] == []


def test_nothing_clears_between_steps() -> None:
    history = looked(plain().turns(30, "forward:train grad", "backward@7", "0 step@8"), stale=1.0)
    (finding,) = history.alarms(ZERO)
    assert finding.severity == "error"
    assert [place.line for place in finding.where] == [7, 8]
    assert finding.evidence["steps_without_clearing"] == 29


def test_gradients_cleared_by_hand_leave_nothing_stale() -> None:
    assert looked(plain().turns(30, "forward:train grad", "backward", "0 step"), stale=0.0).alarms(ZERO) == []


def test_clearing_once_an_epoch_is_not_enough() -> None:
    history = plain()
    for _ in range(4):
        history.turns(1, "0 zero_grad", "forward:train grad", "backward", "0 step")
        history.turns(9, "forward:train grad", "backward", "0 step")
    assert len(looked(history, stale=1.0).alarms(ZERO)) == 1


def test_the_critic_of_a_gan_is_cleared_before_its_own_pass() -> None:
    history = History().model(0, [0]).model(1, [1]).optimizer(0, [0]).optimizer(1, [1]).fate(0).fate(1)
    critic = ("0 zero_grad", "backward@5", "0 step")
    generator = ("1 zero_grad", "backward@9", "1 step")
    for _ in range(20):
        history.turns(5, *critic).turns(1, *generator)
    history.add(reaches(1, 0), reaches(4, 0, 1)).look(0, 0, [0], 1.0, float("nan")).look(9, 0, [0], 1.0, 1.0)
    assert [finding for name in ALL for finding in history.alarms(name)] == []


def test_a_critic_that_also_follows_the_generators_gradients() -> None:
    history = History().model(0, [0]).model(1, [1]).optimizer(0, [0]).optimizer(1, [1]).fate(0).fate(1)
    for _ in range(20):
        history.turns(1, "0 zero_grad", "1 zero_grad", "backward@9", "1 step")
        history.turns(1, "backward@12", "0 step")
    history.add(reaches(2, 0, 1), reaches(4, 0))
    (finding,) = history.alarms(ZERO)
    assert finding.where[0].line == 12


def test_gradients_cleared_after_the_backward_pass() -> None:
    history = plain().turns(30, "forward:train grad", "backward@7", "0 zero_grad@8", "0 step@9")
    (finding,) = looked(history, gradient=float("nan")).alarms(CLEARED)
    assert finding.where[0].line == 8


def test_gradients_written_by_hand_after_clearing_are_gradients() -> None:
    history = plain().turns(30, "forward:train grad", "backward", "0 zero_grad", "0 step")
    assert looked(history, gradient=1.0).alarms(CLEARED) == []


def test_micro_batches_cleared_one_by_one() -> None:
    micro = ("0 zero_grad@6", "forward:train grad", "backward@7")
    (finding,) = looked(plain().turns(10, *micro, *micro, *micro, *micro, "0 step@9")).alarms(CLEARED)
    assert finding.evidence["cleared"] == 3


def test_a_closure_may_be_run_as_often_as_the_optimizer_likes() -> None:
    again = ("0 zero_grad", "forward:train grad", "backward")
    assert looked(plain().turns(10, *again * 20, "0 step:LBFGS")).alarms(CLEARED) == []


def test_an_optimizer_that_never_steps() -> None:
    source = """
    for i, x in enumerate(data):
        loss(x).backward()
        if (i + 1) % 64 == 0:
            optimizer.step()
    """
    history = History(source).model(0, [0]).optimizer(0, [0]).fate(0, changed=False, optimizers=())
    (finding,) = history.turns(30, "forward:train grad", "backward@3", complete=False).alarms(STEP)
    assert {4, 5, 3} <= {place.line for place in finding.where}


def test_parameters_that_move_without_an_optimizer_need_no_step() -> None:
    history = History().model(0, [0]).optimizer(0, [0]).fate(0, changed=True, optimizers=())
    assert history.turns(30, "forward:train grad", "backward", complete=False).alarms(STEP) == []


def test_steps_without_any_gradient() -> None:
    history = plain().turns(30, "0 zero_grad", "forward:train grad@6", "0 step@8")
    (finding,) = looked(history, gradient=float("nan")).alarms(BACKWARD)
    assert {6, 8} <= {place.line for place in finding.where}


def test_gradients_from_evolution_strategies_are_gradients() -> None:
    assert looked(plain().turns(30, "0 zero_grad", "forward:train no_grad", "0 step")).alarms(BACKWARD) == []
