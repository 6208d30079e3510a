"""When a network that cannot see the order of its tokens is said to lose something."""

from __future__ import annotations

from dataclasses import replace

import pytest
from graphs import FILE, Step
from trainings import BACKWARD, batch, falling, loader, noisy, run_of

from seatrial.events import Event, GraphSeen, Probe, SourceSeen
from seatrial.rules import discover

RULE = discover()["model.order-lost"]
SPOKEN = SourceSeen(FILE, "# sequences of words\n" * 12)
BLIND = Probe(0, "order", BACKWARD, 0, 0.0)
FRESH = [batch(tick, range(8 * tick, 8 * tick + 8)) for tick in range(60)]
AGAIN = [batch(tick, range(8 * (tick % 10), 8 * (tick % 10) + 8)) for tick in range(60)]


def attention() -> GraphSeen:
    """Tokens [8, 12] are embedded, attended to and averaged."""
    made = Step()
    tokens, y = made.input(8, 12, dtype="int64"), made.target(8, dtype="int64")
    embedded = made.call("embedding", tokens, made.parameter(50, 16), shape=(8, 12, 16))
    attended = made.call("scaled_dot_product_attention", embedded, embedded, embedded)
    logits = made.call("linear", made.call("mean", attended, 1, shape=(8, 16)), made.parameter(4, 16), shape=(8, 4))
    return replace(made.seen(made.call("cross_entropy", logits, y, shape=())), call=BACKWARD)


@pytest.mark.parametrize(
    ("last", "also", "found"),
    [
        (0.9, FRESH, 1),  # not solved
        (0.0, AGAIN, 1),  # perhaps learned by heart
        (0.0, [*FRESH, *loader(480, 8, 3, 20)], 1),  # as the loader begins anew
        (0.0, FRESH, 0),  # new examples are answered: order decides nothing
    ],
)
def test_new_examples_that_are_answered_need_no_order(last: float, also: list[Event], found: int) -> None:
    run = run_of(noisy(falling(1.4, last, 60)), SPOKEN, *also, BLIND, graph=attention())
    assert len([one for one in RULE.check(run, RULE.limits) if one.severity == "warning"]) == found
