"""What is said of recorded steps, and what is left alone, on hand-made graphs."""

from __future__ import annotations

import pytest
from graphs import FILE, Step

from seatrial.events import LoaderBuilt, Place, Ref, RunEnded
from seatrial.findings import Finding
from seatrial.history import Run
from seatrial.rules import discover
from seatrial.rules.axes import counted_along_examples
from seatrial.rules.data.wrong_axis_layout import exchanged
from seatrial.rules.graph import Graph
from seatrial.rules.growth import growth
from seatrial.rules.recurrence import cut_chains, states, unheard


def said(run: Run, name: str) -> list[Finding]:
    rule = discover()[name]
    return list(rule.check(run, rule.limits))


def graph_of(step: Step, loss: Ref, *predictions: Ref) -> Graph:
    return Graph(step.seen(loss, *predictions))


def unrolled(cuts: set[int], same_data: bool = False, per_step: bool = False, cell: str = "gru_cell") -> Graph:
    """Five steps of a cell; before the steps in `cuts` the state is detached."""
    step = Step()
    weight = step.parameter(24, 4)
    x = step.input(8, 5, 4)
    state = step.call("zeros", shape=(8, 8))
    losses: list[Ref] = []
    for at in range(5):
        part = step.call("getitem", x, (0, 0 if same_data else at), shape=(8, 4))
        if at in cuts:
            state = step.call("detach", state, gradient=False)
        state = step.call(cell, part, state, weight, shape=(8, 8))
        losses.append(step.call("mean", state, shape=()))
    loss = step.call("stack", tuple(losses), shape=(5,), gradient=True) if per_step else losses[-1]
    return graph_of(step, loss)


class TestStatesThatAreCut:
    def test_a_state_detached_before_every_step(self) -> None:
        graph = unrolled({1, 2, 3, 4}, cell="linear")
        (chain,) = cut_chains(graph)
        assert len(chain.calls) == 5
        assert unheard(graph, chain)
        assert not states(chain)

    def test_the_state_of_cells_also_where_every_step_has_a_loss(self) -> None:
        graph = unrolled({1, 2, 3, 4}, per_step=True)
        (chain,) = cut_chains(graph)
        assert states(chain)
        assert not unheard(graph, chain)

    def test_predictions_fed_back_without_a_gradient_are_left_alone(self) -> None:
        graph = unrolled({1, 2, 3, 4}, per_step=True, cell="linear")
        assert not any(states(chain) or unheard(graph, chain) for chain in cut_chains(graph))

    def test_an_iteration_on_the_same_data_is_left_alone(self) -> None:
        graph = unrolled({1, 2, 3, 4}, same_data=True, cell="linear")
        assert not any(states(chain) or unheard(graph, chain) for chain in cut_chains(graph))

    @pytest.mark.parametrize("cuts", [set[int](), {2}, {1, 3}, {2, 3, 4}])
    def test_chunks_of_several_steps_are_left_alone(self, cuts: set[int]) -> None:
        assert not list(cut_chains(unrolled(cuts)))


def encoded(table: tuple[int, ...], taken: Ref | int, rows: tuple[int, ...]) -> Graph:
    step = Step()
    data = step.call("linear", step.input(16, 9, 3), step.parameter(4, 3), shape=(16, 9, 4))
    places = step.call(
        "getitem", step.leaf("buffer", *table), {"slice": (None, taken, None)}, shape=rows, gradient=False
    )
    return graph_of(step, step.call("mean", step.call("add", data, places), shape=()))


class TestPositionsAlongTheBatch:
    def test_first_entries_along_the_axis_of_the_examples(self) -> None:
        assert counted_along_examples(encoded((500, 1, 4), 16, (16, 1, 4)), 16)

    def test_entries_along_the_axis_of_the_steps(self) -> None:
        assert not counted_along_examples(encoded((500, 4), 9, (9, 4)), 16)

    def test_a_table_with_one_row_an_example_is_of_the_examples(self) -> None:
        assert not counted_along_examples(encoded((16, 1, 4), 16, (16, 1, 4)), 16)

    def test_time_first_data_take_positions_along_axis_0(self) -> None:
        step = Step()
        data = step.call("transpose", step.input(16, 9, 4), 0, 1, shape=(9, 16, 4))
        hidden = step.call("linear", data, step.parameter(4, 4), shape=(9, 16, 4))
        places = step.call(
            "getitem", step.leaf("buffer", 500, 1, 4), {"slice": (None, 9, None)}, shape=(9, 1, 4), gradient=False
        )
        loss = step.call("mean", step.call("add", hidden, places), shape=())
        assert not counted_along_examples(graph_of(step, loss), 16)


class TestViews:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ((32, 64, 3), (32, 3, 64)),
            ((32, 28, 20, 3), (32, 3, 28, 20)),
            ((32, 4, 10, 8), (32, 10, 32)),
            ((32, 5, 7, 6), (32, 42, 5)),
        ],
    )
    def test_axes_that_are_dealt_out_anew(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        assert exchanged(before, after)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ((32, 64, 3), (32, 192)),
            ((32, 10, 32), (32, 10, 4, 8)),
            ((32, 10, 8), (320, 8)),
            ((32, 8, 14, 14), (32, 2, 4, 14, 14)),
            ((32, 8, 8), (32, 8, 8)),
            ((32, 64, 1), (32, 1, 64)),
            ((8, 100), (100, 8)),
            ((32, 12, 9), (32, 3, 4, 9)),
        ],
    )
    def test_axes_that_are_split_or_joined(self, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        assert not exchanged(before, after)

    def test_the_line_of_the_view_is_named(self) -> None:
        step = Step()
        points = step.call("view", step.input(32, 64, 3), 32, 3, -1, shape=(32, 3, 64))
        loss = step.call("mean", step.call("conv1d", points, step.parameter(8, 3, 1), shape=(32, 8, 64)), shape=())
        (finding,) = said(step.run(loss), "data.wrong-axis-layout")
        assert finding.where[0].line == step.line(points)

    def test_noise_has_no_layout(self) -> None:
        step = Step()
        noise = step.call("view", step.call("randn", shape=(32, 64, 3)), 32, 3, -1, shape=(32, 3, 64))
        loss = step.call("mean", step.call("conv1d", noise, step.parameter(8, 3, 1), shape=(32, 8, 64)), shape=())
        assert not said(step.run(loss), "data.wrong-axis-layout")


class TestGrowth:
    def grown(self, op: str, std: float, *then: str) -> Graph:
        step = Step()
        hidden = step.call("linear", step.input(8, 4, std=1.0), step.parameter(4, 4), module="net", stats={"std": 1.0})
        large = step.call(op, hidden, step.parameter(4, 4), module="net", stats={"std": std})
        for each in then:
            large = step.call(each, large, module="net", stats={"std": 1.0})
        return graph_of(step, step.call("mean", large, shape=()))

    def test_what_layers_make_of_the_data_grows(self) -> None:
        grown = growth(self.grown("matmul", 80.0), 50.0)
        assert grown is not None
        assert grown.times == 80.0
        assert grown.lines[0] == grown.nodes[-1].where

    def test_masks_and_what_is_normalised_do_not(self) -> None:
        assert growth(self.grown("masked_fill", 1e9, "softmax"), 50.0) is None
        assert growth(self.grown("matmul", 80.0, "layer_norm"), 50.0) is None


def test_a_detached_state_is_named_with_its_line() -> None:
    graph = unrolled({1, 2, 3, 4})
    loader = LoaderBuilt(0, 0, 80, 10, 8, "RandomSampler", False, 0, 0, 0, Place(FILE, 1))
    ended = RunEnded("completed", 0, "", None, 50, 50, 1.0, 0.1)
    (finding,) = said(Run.of([loader, graph.seen, ended]), "model.detached-graph")
    cut = next(node for node in graph if node.op == "detach")
    assert finding.where[0] == cut.where
    assert not said(Run.of([loader, unrolled({2}).seen, ended]), "model.detached-graph")
