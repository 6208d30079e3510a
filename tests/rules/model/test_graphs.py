"""What is said of recorded steps, and what is left alone, on hand-made graphs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from graphs import FILE, Step

from seatrial.events import (
    GroupInfo,
    LoaderBuilt,
    ModelSeen,
    ModuleInfo,
    OptimizerBuilt,
    ParameterFate,
    ParameterInfo,
    Place,
    Probe,
    Ref,
    RunEnded,
)
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


def mixed(step: Step, node: Ref, loss: Ref) -> Run:
    """A run in which an experiment found that examples meet at a node."""
    loader = LoaderBuilt(0, 0, 80, 10, 8, "RandomSampler", False, 0, 0, 0, Place(FILE, 1))
    return Run.of([loader, step.seen(loss, loss), Probe(0, "mixing", 0, node.node, 0.5)])


class TestNeighbours:
    def picked(self, drawn: bool) -> list[Finding]:
        step = Step()
        x = step.input(8, 4)
        table = step.input(8, 3, dtype="int64")
        if drawn:
            table = step.call("randperm", 8, shape=(8,))
            node = step.nodes[table.node]
            step.nodes[table.node] = replace(node, random=True, outputs=(replace(node.outputs[0], dtype="int64"),))
        hidden = step.call("linear", x, step.parameter(4, 4), shape=(8, 4))
        gathered = step.call("getitem", hidden, table, shape=(8, 3, 4))
        return said(mixed(step, gathered, step.call("mean", gathered, shape=(8, 4))), "model.examples-mixed")

    def test_rows_that_the_data_name_are_neighbours(self) -> None:
        assert not self.picked(drawn=False)

    def test_rows_drawn_at_random_are_other_examples(self) -> None:
        assert self.picked(drawn=True)


class TestIgnored:
    def probed(self, target: tuple[int, ...], origin: tuple[str, ...]) -> list[Finding]:
        """A part of the input is ignored; the target was made of the batch by the calls in `origin`."""
        step = Step()
        tokens = step.input(8, 6, dtype="int64")
        part = step.call("getitem", tokens, {"slice": (None, -1, None)}, shape=(8, 5))
        scores = step.call("embedding", part, step.parameter(11, 11), shape=(8, 5, 11), gradient=True)
        truth = step.target(*target, dtype="int64")
        step.nodes[truth.node] = replace(step.nodes[truth.node], origin=origin)
        loss = step.call("cross_entropy", scores, truth, shape=())
        return said(Run.of([step.seen(loss, scores), Probe(0, "ignored", 0, tokens.node, 0.17)]), "model.input-ignored")

    def test_the_last_word_is_only_a_target(self) -> None:
        assert not self.probed((40,), ("reshape@5:8x5:40", "getitem@5", "stack@4"))

    def test_a_label_is_no_part_of_the_text(self) -> None:
        assert self.probed((8,), ("stack@4",))


def test_frozen_layers_in_a_list_are_hidden_on_purpose() -> None:
    def hidden(trainable: bool) -> Run:
        step = Step()
        weight = step.parameter(4, 4, name="")
        info = replace(step.nodes[weight.node].outputs[0], requires_grad=trainable)
        step.nodes[weight.node] = replace(step.nodes[weight.node], outputs=(info,), parameter=7)
        features = step.call("linear", step.input(8, 4), weight, shape=(8, 4), module="net")
        loss = step.call("mean", step.call("linear", features, step.parameter(2, 4), shape=(8, 2)), shape=())
        return step.run(loss)

    assert said(hidden(trainable=True), "model.unregistered-parameters")
    assert not said(hidden(trainable=False), "model.unregistered-parameters")


def test_a_view_that_prepares_the_batch_is_named() -> None:
    step = Step()
    x = step.input(32, 3, 50)
    step.nodes[x.node] = replace(
        step.nodes[x.node], origin=("view@7:32x50x3:32x3x50", "stack@6"), where=Place(FILE, 7, "<module>")
    )
    loss = step.call("mean", step.call("conv1d", x, step.parameter(8, 3, 1), shape=(32, 8, 50)), shape=())
    (finding,) = said(step.run(loss), "data.wrong-axis-layout")
    assert finding.where[0].line == 7


def test_a_layer_made_in_the_forward_pass_is_filled_on_the_way() -> None:
    step = Step()
    weight = step.parameter(4, 4, name="")
    step.nodes[weight.node] = replace(step.nodes[weight.node], parameter=7)
    filled = step.call("kaiming_uniform", weight, module="net")
    made = step.call("linear", step.input(8, 4), filled, shape=(8, 4), module="net")
    loss = step.call("mean", step.call("linear", made, step.parameter(2, 4), shape=(8, 2)), shape=())
    (finding,) = said(step.run(loss), "model.unregistered-parameters")
    assert made.node + 1 in [place.line for place in finding.where]


def recurring(op: str, output: int = 0, projected: bool = False, first: str = "zeros") -> tuple[Step, Ref]:
    """What a recurrent layer of three units answers at its last step (its output number `output`)."""
    step = Step()
    x = step.input(8, 6, 5)
    begin = step.call(first, shape=(1, 8, 3))
    gates = {"lstm": 4, "gru": 3}.get(op, 1)
    hidden = 16 if projected else 3
    weights = (step.parameter(gates * hidden, 5), step.parameter(gates * hidden, 3))
    layer = step.call(op, x, begin, weights, True, 1, 0.0, True, False, True, shape=(8, 6, 3), gradient=True)
    return step, step.call("getitem", Ref(layer.node, output), (None, -1), shape=(8, 3), gradient=True)


class TestStatesOfARecurrentLayer:
    @pytest.mark.parametrize("op", ["rnn_tanh", "rnn_relu", "lstm", "gru"])
    def test_are_no_logits(self, op: str) -> None:
        step, scores = recurring(op)
        loss = step.call("cross_entropy", scores, step.target(8, dtype="int64"), shape=())
        (finding,) = said(step.run(loss, scores), "model.output-activation")
        assert step.line(Ref(scores.node - 1)) in [place.line for place in finding.where]

    def test_do_not_reach_targets_beyond_one(self) -> None:
        step, answers = recurring("lstm", output=1)
        loss = step.call("mse_loss", answers, step.target(8, 3, min=-4.0, max=5.0, std=2.0), shape=())
        assert said(step.run(loss, answers), "model.output-activation")

    @pytest.mark.parametrize(
        ("op", "output", "projected", "first"),
        [("lstm", 2, False, "zeros"), ("lstm", 0, True, "zeros"), ("gru", 0, False, "randn")],
        ids=["the state of a cell", "a projection", "a first state of any size"],
    )
    def test_have_no_bounds_where_they_are_something_else(
        self, op: str, output: int, projected: bool, first: str
    ) -> None:
        step, scores = recurring(op, output, projected, first)
        loss = step.call("cross_entropy", scores, step.target(8, dtype="int64"), shape=())
        assert not said(step.run(loss, scores), "model.output-activation")

    def test_may_be_followed_by_a_linear_layer(self) -> None:
        step, last = recurring("gru")
        scores = step.call("linear", last, step.parameter(4, 3), shape=(8, 4))
        loss = step.call("cross_entropy", scores, step.target(8, dtype="int64"), shape=())
        assert not said(step.run(loss, scores), "model.output-activation")


def test_a_module_whose_buffers_stayed_as_they_were_is_unused_as_a_whole() -> None:
    place = Place(FILE, 7, "__init__")
    modules = tuple(
        ModuleInfo(path, kind, place, True, {}) for path, kind in (("", "Net"), ("bn", "BatchNorm1d"), ("fc", "Linear"))
    )
    parameters = tuple(
        ParameterInfo(number, path, shape, "float32", number < 3, number == 3, {})
        for number, (path, shape) in enumerate(
            [("bn.weight", (1,)), ("bn.bias", (1,)), ("fc.weight", (2, 4)), ("bn.running_mean", (1,))]
        )
    )
    step = Step()
    loss = step.call("mean", step.call("linear", step.input(8, 4), step.parameter(2, 4), shape=(8, 2)), shape=())
    run = step.run(
        loss,
        also=[
            ModelSeen(0, 0, "model", "Net", place, place, modules, parameters),
            OptimizerBuilt(0, 0, "Adam", (GroupInfo((0, 1, 2), {"lr": 0.1}),), place),
            *(
                ParameterFate(
                    info.parameter,
                    info.path,
                    0,
                    number == 2,
                    number == 2,
                    number < 3,
                    (0,) if number < 3 else (),
                    0.0,
                    0.0,
                )
                for number, info in enumerate(parameters)
            ),
            RunEnded("completed", 0, "", None, 60, 60, 1.0, 0.0),
        ],
    )
    (finding,) = said(run, "model.unused-parameters")
    assert "BatchNorm1d `bn` (2 weights)" in finding.message


@pytest.mark.parametrize(("stats", "figure"), [({"max": 3.0}, "; its greatest exponent was 3."), ({}, "written out.")])
def test_a_figure_that_is_not_known_is_not_told(stats: dict[str, float], figure: str) -> None:
    step = Step()
    scores = step.call("linear", step.input(8, 4), step.parameter(1, 4), shape=(8, 1), stats=stats)
    loss = step.call("mean", step.call("log1p", step.call("exp", scores)), shape=())
    (finding,) = said(step.run(loss), "model.unstable-numerics")
    assert finding.message.endswith(figure)
