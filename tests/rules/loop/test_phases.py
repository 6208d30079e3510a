"""What was trained once is frozen, restored, drawn anew or followed by another: what is a slip, and what is meant so."""

from __future__ import annotations

import pytest

from seatrial.events import (
    BatchSeen,
    Clips,
    EvaluationPass,
    GraphSeen,
    LoaderBuilt,
    LoaderIterated,
    ModelSeen,
    ModuleInfo,
    Node,
    ParameterInfo,
    Place,
    Ref,
    SchedulerBuilt,
    TensorInfo,
)
from tests.rules.loop.histories import FILE, History

EVAL = "loop.eval-mode-during-training"
LEAKY = "loop.leaky-freeze"
RESET = "loop.weights-reset"
SCHEDULE = "loop.scheduler-misplaced"
HELD_OUT = "loop.training-on-evaluation-data"
TRAIN = "loop.train-mode-during-evaluation"
CLIP = "loop.ineffective-clipping"
RESUME = "loop.incomplete-resume"
NORM = ModuleInfo("layer", "BatchNorm1d", Place(FILE, 1), True, {})
STEP = ("0 zero_grad", "0 forward:train grad", "backward", "0 step")


# ---- modes -------------------------------------------------------------------------------------------------------


def encoder_and_head() -> History:
    """An encoder (0) that trained with optimizer 0, and a head (1) in optimizer 1."""
    history = History().model(0, [0], modules=[NORM]).model(1, [1]).optimizer(0, [0]).optimizer(1, [1])
    return history.turns(40, *STEP)


def test_an_encoder_that_only_its_head_trains_on_may_be_in_evaluation_mode() -> None:
    later = ("1 zero_grad", "0 forward:eval grad", "1 forward:train grad", "backward", "1 step")
    assert encoder_and_head().turns(40, *later).alarms(EVAL) == []


def test_an_encoder_that_goes_on_training_in_evaluation_mode() -> None:
    later = ("0 zero_grad", "0 forward:eval grad", "1 forward:train grad", "backward", "0 step")
    assert len(encoder_and_head().turns(40, *later).alarms(EVAL)) == 1


@pytest.mark.parametrize(("held_out", "found"), [("val_loader", 1), ("train_loader", 0)])
def test_a_helper_that_serves_both_is_known_by_the_loader(held_out: str, found: int) -> None:
    """One line makes the forward passes of training and of validation: the loader tells them apart."""
    source = f"train_loader = DataLoader(a)\n{held_out} = DataLoader(b)\n"
    history = History(source).model(0, [0], modules=[NORM]).optimizer(0, [0])
    for number, line in ((0, 1), (1, 2)):
        built = LoaderBuilt(0, number, 64, 8, 8, "", False, 0, number, number, Place(FILE, line))
        history.add(built, LoaderIterated(number, 1, 8, 8 * (1 - number), None))
    for tick in range(6):
        history.turns(8, "0 zero_grad", "0 forward:train grad@7", "backward", "0 step")
        passed = EvaluationPass(tick, 0, Place(FILE, 7), 8, 64, 1.0, 0.0, {}, (), data=1)
        history.add(passed)
    assert len(history.alarms(TRAIN)) == found


@pytest.mark.parametrize(
    ("caller", "found"), [("validate", 1), ("validate_mc", 0), ("targets_for", 0), ("train_step", 0)]
)
def test_a_forward_that_serves_both_is_known_by_its_callers(caller: str, found: int) -> None:
    """The line stands in the forward of a wrapper whose eval() does not reach the model."""
    source = f"def forward(m, x):\n    return m(x)\n\ndef {caller}(net, x):\n    net.eval()\n    return net(x)\n"
    history = History(source).model(0, [0], modules=[NORM]).optimizer(0, [0])
    inner, outer = Place(FILE, 2), Place(FILE, 6, caller)
    for tick in range(6):
        history.turns(8, "0 zero_grad", "0 forward:train grad@2", "backward", "0 step")
        label = "val" if "validate" in caller else ""
        history.add(EvaluationPass(tick, 0, inner, 1, 64, 1.0, 0.0, {}, (), label, callers=(outer,)))
    alarms = history.alarms(TRAIN)
    assert len(alarms) == found
    assert all(alarm.where[0].line == 5 for alarm in alarms)


# ---- freezing ----------------------------------------------------------------------------------------------------


def normalised(tick: int, asks: bool, training: bool = True) -> GraphSeen:
    """A step through batch normalisation with weight 0, which may ask for gradients; parameter 1 always does."""
    plain, grown = TensorInfo((4,), "float32", False), TensorInfo((4,), "float32", True)
    leaves = [
        Node(0, "leaf", "", (), {}, (plain,), "input"),
        Node(1, "leaf", "", (), {}, (plain,), "buffer"),
        Node(2, "leaf", "", (), {}, (grown if asks else plain,), "parameter", "", 0),
        Node(3, "leaf", "", (), {}, (grown,), "parameter", "", 1),
    ]
    norm = Node(4, "batch_norm", "", (Ref(0), Ref(1), Ref(1), Ref(2), None, training), {}, (grown,))
    loss = Node(5, "mul", "", (Ref(4), Ref(3)), {}, (grown,))
    return GraphSeen(tick, "training", 2, 0, (*leaves, norm, loss), (Ref(5),), (), 1.0, None, True)


def frozen(*graphs: GraphSeen, asked: bool = True) -> History:
    history = History().optimizer(0, [1]).turns(40, *STEP).fate(0, requires_grad=False).fate(1)
    info = ParameterInfo(0, "layer.weight", (4,), "float32", asked, False, {})
    return history.add(ModelSeen(0, 0, "model", "Net", None, None, (NORM,), (info,)), *graphs)


def test_statistics_of_a_frozen_part_move() -> None:
    assert len(frozen(normalised(0, True), normalised(20, False), normalised(30, False)).alarms(LEAKY)) == 1


def test_a_frozen_part_in_evaluation_mode_is_steady() -> None:
    assert frozen(normalised(0, True), normalised(20, False, training=False)).alarms(LEAKY) == []


def test_a_mean_of_other_weights_is_not_frozen() -> None:
    """A teacher never asks for gradients and moves all the same."""
    assert frozen(normalised(0, False), normalised(20, False), asked=False).alarms(LEAKY) == []


def test_a_discriminator_frozen_in_its_generators_steps_is_not_frozen_for_good() -> None:
    turns = [normalised(0, True), normalised(1, False), normalised(20, True), normalised(21, False)]
    assert frozen(*turns).alarms(LEAKY) == []


@pytest.mark.parametrize(("name", "found"), [("encoder", 1), ("layer", 0)])
def test_parameters_are_picked_by_names_in_a_tuple(name: str, found: int) -> None:
    source = f"""
    THAWED = ("{name}", "layer.p1")
    for name, p in model.named_parameters():
        p.requires_grad = name.startswith(THAWED)
    """
    history = History(source).model(0, [0, 1]).optimizer(0, [1]).turns(40, *STEP)
    history.fate(0, requires_grad=False).fate(1)
    assert len(history.alarms("loop.frozen-parameters")) == found


# ---- weights drawn anew ------------------------------------------------------------------------------------------


def redrawn(source: str, line: int) -> History:
    history = History(source).model(0, [0]).optimizer(0, [0]).fate(0)
    for _ in range(6):
        history.turns(1, f"0 reset:head@{line}", *STEP).turns(9, *STEP)
    return history


def test_weights_drawn_anew_in_each_epoch() -> None:
    source = """
    def train_one_epoch(model):
        model.head.reset_parameters()
        step(model)
    for epoch in range(6):
        train_one_epoch(model)
    """
    (finding,) = redrawn(source, 3).alarms(RESET)
    assert [place.line for place in finding.where] == [3, 6, 5]


def test_a_function_that_is_handed_to_apply() -> None:
    source = """
    def init_weights(m):
        if isinstance(m, nn.Linear):
            nn.init.xavier_uniform_(m.weight)
    for epoch in range(6):
        model.apply(init_weights)
        step(model)
    """
    assert len(redrawn(source, 4).alarms(RESET)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "\nfor fold in range(6):\n    model.head.reset_parameters()\n",
        "\nfor epoch in range(60):\n    if epoch % 10 == 0: model.head.reset_parameters()\n",
        "\nmodel.head.reset_parameters()\n",
    ],
    ids=["folds", "a planned restart", "no loop"],
)
def test_weights_drawn_anew_on_purpose(source: str) -> None:
    line = next(number for number, text in enumerate(source.splitlines(), 1) if "reset" in text)
    assert redrawn(source, line).alarms(RESET) == []


# ---- schedules ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "found"), [("epoch", 1), ("i", 1), ("val_loss", 0), ("losses[epoch]", 0), ("metrics['loss']", 0)]
)
def test_a_plateau_schedule_wants_a_quantity(given: str, found: int) -> None:
    source = f"\nfor i in range(20):\n    schedule.step({given})\n"
    history = History(source).model(0, [0]).optimizer(0, [0])
    settings = {"mode": "min", "patience": 10}
    history.add(SchedulerBuilt(0, 0, "ReduceLROnPlateau", 0, settings, Place(FILE, 1)))
    for _ in range(20):
        history.turns(10, *STEP).turns(1, "0 schedule:ReduceLROnPlateau@3", *STEP)
    assert len(history.alarms(SCHEDULE)) == found


NESTED = "\nfor epoch in range(6):\n    for batch in batches:\n        schedule.step()\n"
FLAT = "\nfor update in range(200):\n    train()\n    schedule.step()\n"


@pytest.mark.parametrize(("source", "found"), [(NESTED, 1), (FLAT, 0)], ids=["batches in epochs", "cycles"])
def test_cosines_that_come_again(source: str, found: int) -> None:
    """Without a loader, only loops within loops tell epochs from cycles that are meant."""
    history = History(source).model(0, [0]).optimizer(0, [0])
    history.add(SchedulerBuilt(0, 0, "CosineAnnealingLR", 0, {"T_max": 20}, Place(FILE, 1)))
    assert len(history.turns(200, *STEP, "0 schedule:CosineAnnealingLR@4").alarms(SCHEDULE)) == found


# ---- data --------------------------------------------------------------------------------------------------------


def evaluated_before(trained: tuple[int, ...], rest: tuple[int, ...], passes: int = 4) -> History:
    """Every third step an evaluation of two batches comes before the training step on `trained`."""
    history = History().model(0, [0]).optimizer(0, [0])
    for tick in range(3 * passes):
        rows = trained if tick % 3 == 0 else tuple(range(1000 + 8 * tick, 1008 + 8 * tick))
        if tick % 3 == 0:
            evaluated = (*rest, *trained)
            history.add(EvaluationPass(tick, 0, Place(FILE, 5), 2, len(evaluated), 0.0, 0.0, {}, evaluated))
        where = Place(FILE, 6)
        history.add(BatchSeen(tick, "training", 0, "input", 0, (8, 3), "float32", {}, rows=rows, where=where))
    return history.turns(3 * passes, *STEP)


def test_the_batch_of_the_evaluation_is_trained_on() -> None:
    (finding,) = evaluated_before(tuple(range(8)), tuple(range(8, 24))).alarms(HELD_OUT)
    assert [place.line for place in finding.where] == [6, 5]


def test_figures_of_the_training_batch_itself_are_no_leak() -> None:
    assert evaluated_before(tuple(range(8)), ()).alarms(HELD_OUT) == []


def test_an_evaluation_on_training_data_is_no_leak() -> None:
    """Its other examples are trained on too."""
    assert evaluated_before(tuple(range(8)), tuple(range(1008, 1024))).alarms(HELD_OUT) == []


# ---- lines that serve several networks ---------------------------------------------------------------------------


def test_a_line_recorded_for_the_first_network_serves_the_second_too() -> None:
    """Two sessions share backward, clipping and step lines; only the first one's step was recorded."""
    history = History().model(0, [0]).model(1, [1]).optimizer(0, [0]).optimizer(1, [1])
    turn = ("0 zero_grad", "0 forward:train grad", "backward", "clip:norm 1", "0 step")
    history.turns(20, *turn).turns(20, *(call.replace("0 ", "1 ") for call in turn))
    grown = TensorInfo((1,), "float32", True)
    leaf = Node(0, "leaf", "", (), {}, (grown,), "parameter", "", 0)
    loss = Node(1, "neg", "", (Ref(0),), {}, (grown,))
    history.add(GraphSeen(0, "training", 2, 0, (leaf, loss), (Ref(1),), (), 1.0, None, True))
    clips = Clips(3, tuple(range(40)), (1.0,) * 40, 1.0, 1, 1, (1,))
    assert history.add(clips).alarms(CLIP) == []


# ---- going on ----------------------------------------------------------------------------------------------------


def resumed(source: str, trained: int = 0) -> History:
    """The state of model 0 is loaded; then the optimizer of model `trained` steps."""
    history = History(source).model(0, [0]).model(1, [1]).optimizer(0, [trained], kind="Adam")
    return history.turns(1, "0 load:model", *STEP).turns(20, *STEP)


def test_a_run_that_goes_on_with_the_weights_alone() -> None:
    assert len(resumed('start = checkpoint["epoch"]\n').alarms(RESUME)) == 1


@pytest.mark.parametrize("source", ['n = config["epochs"]\n', 'n = cfg["step"]\n', 'n = plan["steps"]\n'])
def test_settings_are_no_place_to_go_on_from(source: str) -> None:
    assert resumed(source).alarms(RESUME) == []


def test_a_target_network_is_loaded_again_and_again() -> None:
    assert resumed('start = checkpoint["epoch"]\n', trained=1).alarms(RESUME) == []
