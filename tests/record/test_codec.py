"""Every event comes back from a record as it was."""

import dataclasses
import math
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import instances

from seatrial.events import KINDS, GraphSeen, Node, Place, Ref, TensorInfo
from seatrial.record.codec import decode, encode


def same(one, other):
    """Equal in type and value, nan equal to nan, and 0.0 unlike -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or struct.pack("d", one) == struct.pack("d", other)
    if dataclasses.is_dataclass(one):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return one == other


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_event_comes_back_as_it_was(kind, data):
    event = data.draw(instances(kind))
    name, text = encode(event)
    assert name == kind.__name__
    assert text.isascii()
    assert same(decode(name, text), event)


def test_a_graph_keeps_references_slices_and_figures_that_are_not_finite():
    node = Node(
        index=1,
        op="getitem",
        function="torch.Tensor.__getitem__",
        args=(Ref(0, 1), (None, ("slice", 1, None, 2)), {"dim": Ref(0)}),
        kwargs={"$Ref": 3, "weight": {"$dict": Ref(2)}},
        outputs=(TensorInfo((2, 3), "float32", True),),
        stats={"mean": math.nan, "max": math.inf, "min": -math.inf},
        where=Place("/a/train.py", 3, "forward"),
        chain=(Place("/a/train.py", 3, "forward"), Place("/a/train.py", 9)),
    )
    graph = GraphSeen(0, "training", 2, 0, (node,), (Ref(1),), (), -0.0, None, True)
    assert same(decode(*encode(graph)), graph)


def test_an_event_of_an_older_seatrial_lacks_fields_and_gets_their_defaults():
    assert decode("TorchSeen", '{"version": "2.4"}').devices == ()
