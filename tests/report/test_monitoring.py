"""The report's section on monitoring: pictures that open, sentences that say their uncertainty."""

import base64
import io
import math

import matplotlib.image
import numpy as np
import sample_run as sample

from seatrial.events import Event, Filters, GradientPair, GroupInfo, OptimizerBuilt
from seatrial.history import Run
from seatrial.report.monitoring import FilterPicture, monitoring
from seatrial.report.monitoring_charts import section
from seatrial.report.pictures import data_url, grid


def opened(picture: FilterPicture) -> np.ndarray:
    """The picture as another library reads it."""
    data = base64.b64decode(data_url(picture).removeprefix("data:image/png;base64,"))
    return (matplotlib.image.imread(io.BytesIO(data), format="png") * 255).round().astype(int)


def test_a_picture_shows_its_tiles() -> None:
    rng = np.random.default_rng(0)
    tiles = [rng.integers(0, 256, (1, 4, 6), dtype=np.uint8) for _ in range(5)]
    seen = opened(FilterPicture(0, 1.0, (1, 4, 6), tuple(each.tobytes() for each in tiles)))
    assert seen.shape == (14, 13)  # three rows of two
    assert (seen[:4, :6] == tiles[0][0]).all()
    assert (seen[:4, 7:13] == tiles[1][0]).all()
    assert (seen[:4, 6] == 255).all()


def test_three_channels_are_colours_and_two_stand_side_by_side() -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, 2, 2), dtype=np.uint8)
    assert (opened(FilterPicture(0, 1.0, (3, 2, 2), (values.tobytes(),))) == values.transpose(1, 2, 0)).all()
    rows, depth = grid(FilterPicture(0, 1.0, (2, 2, 2), (values[:2].tobytes(),)))
    assert depth == 1
    assert [list(row) for row in rows] == [[*values[0, y], *values[1, y]] for y in range(2)]


def run() -> list[Event]:
    group = GroupInfo(tuple(range(6)), {"lr": 0.05})
    return [*sample.events(), OptimizerBuilt(0, 0, "SGD", (group,), None)]


def pairs(share: float, count: int = 8) -> list[GradientPair]:
    return [GradientPair(at * 30, 0, share + 0.01 * (-1) ** at, 1.0, 1.0, 1) for at in range(count)]


def test_the_noise_is_told_with_its_uncertainty() -> None:
    noise = monitoring(Run.of([*run(), *pairs(0.25)])).noise
    assert noise is not None
    assert noise.batch == 32
    assert noise.scale == 96  # (1 - 1/4) / (1/4) of 32
    assert noise.low < 96 < noise.high
    (sentence,) = section(monitoring(Run.of([*run(), *pairs(0.25)])), sample.TICKS).sentences
    assert "25 % (" in sentence
    assert "Noise scale: 96 examples (87 to 106" in sentence


def test_where_no_signal_is_seen_only_a_lower_bound_is_told() -> None:
    seen = monitoring(Run.of([*run(), *pairs(-0.001)]))
    assert seen.noise is not None
    assert math.isinf(seen.noise.scale)
    assert "more than" in section(seen, sample.TICKS).sentences[0]


def test_few_pairs_say_nothing() -> None:
    assert monitoring(Run.of([*run(), *pairs(0.25, 3)])).noise is None


def test_a_layer_grows_smoother() -> None:
    events = [Filters(at, 0, (8, 1, 5, 5), 1 - at / 200, 0.02) for at in (0, 50, 100)]
    (panel,) = section(monitoring(Run.of([*run(), *events])), sample.TICKS).panels
    assert panel.title == "First-layer filters, hidden.weight"
    assert "50 % ± 5.7 % smoother" in panel.sentence
