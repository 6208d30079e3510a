"""What stands on both sides of a split: copies and near copies are found where they were planted, and nothing where none are."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter, shift
from sklearn import datasets

from seatrial.errors import UsageProblem
from seatrial.vault.overlap.coincidence import coincidences
from seatrial.vault.overlap.finding import find
from seatrial.vault.overlap.moving import mended, moved
from seatrial.vault.overlap.null import nearer_than_chance
from seatrial.vault.overlap.pairs import Overlap, Pair
from seatrial.vault.overlap.pictures import registered
from seatrial.vault.overlap.words import notice, refusal
from seatrial.vault.sources.source import Block

Array = np.ndarray


def in_blocks(examples: Array, size: int = 300) -> Callable[[], Iterator[Block]]:
    """As a source gives them: pictures from 3 axes on."""
    values = np.ascontiguousarray(examples, np.float32) + np.float32(0)  # Without a negative zero.

    def blocks() -> Iterator[Block]:
        for start in range(0, len(values), size):
            part = values[start : start + size]
            digests = b"".join(hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in part)
            pictures = part.ndim > 2
            yield Block(np.frombuffer(digests, "V16"), None if pictures else part, part if pictures else None)

    return blocks


def a_split(examples: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random(examples) < 0.2


def planted(examples: Array, test: Array, changed: Callable[[Array], Array], count: int) -> tuple[Array, set[int]]:
    """Some test examples made of training examples."""
    random = np.random.default_rng(7)
    examples = np.array(examples, np.float64)
    places = random.choice(np.flatnonzero(test), min(count, test.sum()), replace=False)
    for place, origin in zip(places, random.choice(np.flatnonzero(~test), len(places), replace=False), strict=True):
        examples[place] = changed(examples[origin])
    return examples, set(places.tolist())


def noisy(share: float, of: Array) -> Callable[[Array], Array]:
    random = np.random.default_rng(11)
    return lambda example: example + share * of * random.normal(size=example.shape)


def scenes(count: int, side: int = 20) -> Array:
    """Pictures with the spectrum of natural ones (power falls with the square of the frequency: Field 1987), 0 to 255."""
    random = np.random.default_rng(5)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequency[0, 0] = 1
    pictures = np.fft.ifft2(np.fft.fft2(random.normal(size=(count, side, side))) / frequency).real
    return (pictures - pictures.min()) / np.ptp(pictures) * 255


def tables() -> dict[str, Array]:
    """Data without copies: some of it with examples that are naturally close, uneven, or of few values."""
    random = np.random.default_rng(3)
    codes = np.concatenate([np.eye(5)[random.integers(0, 5, 1500)] for _ in range(8)], axis=1)
    flat = np.c_[random.normal(size=(75, 1)), np.zeros((75, 9))] + 4
    walk = np.cumsum(random.normal(size=(1500, 3)), axis=0)
    grid = np.stack(np.meshgrid(np.arange(40.0), np.arange(40.0)), -1).reshape(-1, 2)
    return {
        "a line": random.normal(size=(1500, 1)),
        "a plane": random.normal(size=(1500, 2)),
        "a Gaussian": random.normal(size=(1500, 10)),
        "many columns": random.normal(size=(1500, 100)),
        "heavy tails": random.standard_cauchy(size=(1500, 20)),
        "logarithmic": np.exp(2 * random.normal(size=(1500, 8))),
        "a grid": grid,
        "a grid with errors": grid + 0.01 * random.normal(size=grid.shape),
        "counts": random.poisson(1.5, size=(1500, 20)),
        "indicators": codes,
        "indicators and a measurement": np.c_[codes, random.normal(size=(1500, 1))],
        "indicators and measurements": np.c_[codes[:, :20], random.normal(size=(1500, 3))],
        "twelve answers": np.c_[random.integers(0, 2, (1500, 12)), random.normal(size=(1500, 1))],
        "zeros": random.normal(size=(1500, 10)) * (random.random((1500, 10)) < 0.15),
        "a curved sheet": datasets.make_swiss_roll(1500, noise=0.05, random_state=0)[0],
        "clusters of many sizes": datasets.make_blobs(
            1500, 10, centers=8, cluster_std=np.linspace(0.01, 3, 8), random_state=0
        )[0],
        "of two dimensions": np.concatenate([random.normal(size=(1425, 10)), flat]),
        "of low rank": random.normal(size=(1500, 4)) @ random.normal(size=(4, 60)),
        "rounded": np.round(random.normal(size=(1500, 4)), 1),
        "families of ten": (random.normal(size=(150, 1, 8)) + 0.3 * random.normal(size=(150, 10, 8))).reshape(-1, 8),
        "a walk": walk,
        "a daily rhythm": np.stack([np.sin(np.arange(1500) / 24 * 2 * np.pi + k) for k in range(3)], 1)
        + 0.05 * random.normal(size=(1500, 3)),
    }


BUNDLED = {
    name: getattr(datasets, f"load_{name}")().data for name in ("digits", "iris", "wine", "breast_cancer", "diabetes")
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", [*BUNDLED, *tables()])
def test_no_alarm_where_there_are_no_copies(name: str, seed: int) -> None:
    examples = BUNDLED[name] if name in BUNDLED else tables()[name]
    found = find(in_blocks(examples), a_split(len(examples), seed))
    assert not found.near
    assert not found.same or name == "iris"


def test_iris_holds_one_example_twice() -> None:
    test = np.zeros(150, bool)
    test[[142, 3, 70]] = True
    assert find(in_blocks(BUNDLED["iris"]), test).same == (Pair(101, 142, 0.0),)


@pytest.mark.parametrize("name", [name for name in BUNDLED if name != "iris"])
def test_examples_with_a_hundredth_of_noise_are_found(name: str) -> None:
    examples = BUNDLED[name]
    test = a_split(len(examples))
    examples, places = planted(examples, test, noisy(0.01, examples.std(0)), 10)
    assert {pair.test for pair in find(in_blocks(examples), test).near} == places


def test_among_four_columns_a_near_example_is_nothing_unusual() -> None:
    examples = BUNDLED["iris"]
    test = a_split(150)
    examples, places = planted(examples, test, noisy(0.01, examples.std(0)), 5)
    assert {pair.test for pair in find(in_blocks(examples), test).near} <= places


def test_every_test_example_may_be_a_near_copy() -> None:
    """As when examples are augmented before they are split."""
    examples = np.random.default_rng(1).normal(size=(1000, 20))
    test = a_split(1000)
    examples, places = planted(examples, test, noisy(0.01, np.ones(20)), 1000)
    assert {pair.test for pair in find(in_blocks(examples), test).near} == places


def jpeg(picture: Array) -> Array:
    file = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file)).astype(np.float64)


CHANGES: dict[str, Callable[[Array], Array]] = {
    "noise": noisy(0.01, np.float64(255)),
    "a pixel": lambda picture: shift(picture, (1, 0)),
    "two pixels": lambda picture: shift(picture, (-2, 2), mode="nearest"),
    "brighter": lambda picture: np.clip(picture * 1.05, 0, 255),
    "compressed": jpeg,
    "blurred": lambda picture: gaussian_filter(picture, 0.5),
    "mirrored": lambda picture: picture[:, ::-1],
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_pictures_are_found(change: str) -> None:
    test = a_split(400)
    pictures, places = planted(scenes(400), test, CHANGES[change], 10)
    assert {pair.test for pair in find(in_blocks(pictures), test).near} == places


def test_the_distance_at_the_best_shift_is_that_of_all_shifts_one_by_one() -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=(2, 6, 9, 11, 3)).astype(np.float32)
    theirs[0, 2:, :-1] = 3 * ours[0, :-2, 1:] + 5
    theirs[1] = ours[1, :, ::-1]
    expected = []
    for one, other in zip(ours, theirs, strict=True):
        best = -1.0
        for picture in (one, one[:, ::-1]):
            for down in range(-2, 3):
                for right in range(-1, 2):
                    mine = picture[max(0, down) : 9 + min(0, down), max(0, right) : 11 + min(0, right)]
                    hers = other[max(0, -down) : 9 - max(0, down), max(0, -right) : 11 - max(0, right)]
                    a, b = mine - mine.mean((0, 1)), hers - hers.mean((0, 1))
                    best = max(best, np.sum(a * b) / np.sqrt(np.sum(a**2) * np.sum(b**2)))
        expected.append(np.sqrt(max(0.0, 2 * (1 - best))))
    assert expected[:2] == pytest.approx([0, 0], abs=1e-6)
    assert registered(ours, theirs, (2, 1)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["digits", "scenes", "tiles of photographs", "noise"])
def test_no_alarm_among_different_pictures(name: str) -> None:
    if name == "digits":
        pictures = datasets.load_digits().images
    elif name == "scenes":
        pictures = scenes(400)
    elif name == "noise":
        pictures = np.random.default_rng(0).normal(size=(500, 12, 12))
    else:
        pictures = np.concatenate(
            [
                photograph[:416, :640].reshape(13, 32, 20, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3)
                for photograph in datasets.load_sample_images().images[:1]
            ]
        )
    found = find(in_blocks(pictures), a_split(len(pictures)))
    assert not found.same and not found.near
    assert "shifts of up to 2 pixels" in found.looked


def test_larger_pictures_in_colour_are_compared_as_well() -> None:
    random = np.random.default_rng(0)
    pictures = scenes(250, 48)[..., None] * random.uniform(0.5, 1, size=(250, 1, 1, 3))
    test = a_split(250)
    pictures, places = planted(pictures, test, lambda picture: shift(picture, (2, -1, 0), mode="nearest"), 4)
    assert {pair.test for pair in find(in_blocks(pictures), test).near} == places


def test_windows_of_a_series_that_overlap_are_found() -> None:
    series = np.random.default_rng(0).normal(size=4000).cumsum()
    windows = np.stack([series[start : start + 24] for start in range(0, 3900, 6)])
    test = a_split(len(windows))
    neighbour = np.convolve(~test, [1, 0, 1], "same") > 0
    found = find(in_blocks(windows), test)
    assert {pair.test for pair in found.near} >= set(np.flatnonzero(test & neighbour).tolist())
    assert min(pair.distance for pair in found.near) == pytest.approx(0.25)
    assert "moved along its columns" in found.looked


def test_windows_that_only_touch_are_different() -> None:
    series = np.random.default_rng(0).normal(size=12_000).cumsum()
    found = find(in_blocks(series.reshape(-1, 24)), a_split(500))
    assert not found.near


def test_copies_are_found_whatever_the_blocks() -> None:
    examples = np.random.default_rng(1).normal(size=(300, 5))
    test = a_split(300)
    examples, places = planted(examples, test, lambda example: example, 7)
    for size in (1, 17, 1000):
        found = find(in_blocks(examples, size), test)
        assert {pair.test for pair in found.same} == places
        assert all(
            not test[pair.training] and np.array_equal(examples[pair.training], examples[pair.test])
            for pair in found.same
        )


def few_valued() -> dict[str, Array]:
    random = np.random.default_rng(2)
    kinds = random.integers(0, 3, 3000)
    three = random.integers(0, 5, (3000, 3))
    return {
        "three answers": random.integers(0, 2, (1000, 3)),
        "ten marks": random.integers(0, 10, (3000, 4)),
        "indicators": np.concatenate([np.eye(4)[random.integers(0, 4, 3000)] for _ in range(6)], axis=1),
        "rounded": np.round(random.normal(size=(3000, 3)), 1),
        "kinds of answers": random.random((3000, 12)) < np.array([0.1, 0.5, 0.9])[kinds][:, None],
        "rare words": random.random((3000, 30)) < 0.03,
        "a sum besides": np.c_[three, three.sum(1)],
    }  # fmt: skip


@pytest.mark.parametrize("name", few_valued())
def test_equal_examples_of_few_values_are_no_leak(name: str) -> None:
    examples = few_valued()[name]
    found = find(in_blocks(examples), a_split(len(examples)))
    assert not found.found
    assert found.coincidences > 0
    assert "no leak" in notice(found, 100)


@pytest.mark.parametrize("name", BUNDLED)
def test_copies_are_more_than_coincidence(name: str) -> None:
    examples = BUNDLED[name]
    equal, expected = coincidences(np.concatenate([examples, examples[:9]]).astype(np.float32))
    assert equal >= 9 and expected < 1


def test_copies_among_few_values_are_told_from_coincidence() -> None:
    """2**20 different examples: 1500 of them hardly ever meet."""
    examples = np.random.default_rng(0).integers(0, 2, (1500, 20))
    test = a_split(1500)
    examples, places = planted(examples, test, lambda example: example, 40)
    assert {pair.test for pair in find(in_blocks(examples), test).same} >= places


def test_the_expected_coincidences_of_independent_columns() -> None:
    """Against what is known of them: pairs times the product of the chances that two agree in a column."""
    random = np.random.default_rng(0)
    chances = [(0.5, 0.5), (0.2, 0.8), (0.1, 0.3, 0.6), (0.25, 0.25, 0.25, 0.25)]
    columns = [random.choice(len(chance), 4000, p=chance) for chance in chances]
    known = 4000 * 3999 / 2 * np.prod([np.sum(np.square(chance)) for chance in chances])
    _, expected = coincidences(np.stack(columns, axis=1).astype(np.float32))
    assert expected == pytest.approx(known, rel=0.03)


@pytest.mark.parametrize("dimensions", [1, 3, 8])
def test_the_null_is_exact_where_examples_lie_evenly(dimensions: int) -> None:
    """On a torus, without borders: alarms no more often than the share of false ones that is admitted."""
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(100):
        training, test = random.random((200, dimensions)), random.random((40, dimensions))
        apart = np.abs(test[:, None] - training)
        distances = np.sqrt(np.sum(np.minimum(apart, 1 - apart) ** 2, axis=2))
        alarms += bool(nearer_than_chance(np.sort(distances, axis=1)[:, :20]).any())
    assert alarms <= 3


def test_what_is_missing_and_what_never_changes_is_no_hindrance() -> None:
    examples = np.random.default_rng(1).normal(size=(600, 12))
    test = a_split(600)
    examples, places = planted(examples, test, noisy(0.01, np.ones(12)), 6)
    examples[::7, 3] = np.nan
    examples[5, 4] = np.inf
    examples[:, 7] = 1e6
    found = {pair.test for pair in find(in_blocks(examples), test).near}
    assert len(found & places) >= 4 and not found - places


def test_few_examples_are_compared_exactly_only() -> None:
    found = find(in_blocks(np.arange(20.0).reshape(10, 2)), np.arange(10) < 3)
    assert not found.found
    assert "too few" in found.looked


def test_examples_without_numbers_are_compared_by_their_digests() -> None:
    digests = np.frombuffer(b"".join(bytes([value]) * 16 for value in (1, 2, 3, 1, 2, 9)), "V16")
    found = find(lambda: iter([Block(digests[:4]), Block(digests[4:])]), np.arange(6) >= 3)
    assert found.same == (Pair(0, 3, 0.0), Pair(1, 4, 0.0))
    assert "no numbers" in found.looked


def test_groups_on_both_sides() -> None:
    examples = np.random.default_rng(1).normal(size=(6, 2))
    found = find(in_blocks(examples), np.arange(6) >= 3, np.array(["a", 2, "c", "c", "a", 4], dtype=object))
    assert found.groups == ("c", "a")


def test_another_number_of_examples_is_an_error() -> None:
    with pytest.raises(ValueError, match="6 examples in the blocks, 5 in the split"):
        find(in_blocks(np.zeros((6, 2))), np.zeros(5, bool))


@given(st.integers(0, 10_000), st.integers(60, 200))
@settings(max_examples=25, deadline=None)
def test_after_moving_nothing_equal_is_on_both_sides(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    examples = random.normal(size=(count, 3))
    examples = examples[random.integers(0, count, count + 30) % random.integers(count // 2, count)]
    groups = random.integers(0, count, len(examples))
    test = random.random(len(examples)) < 0.3
    blocks = in_blocks(examples)
    found = find(blocks, test, groups)
    try:
        kept, left = mended(blocks, test, found, groups)
    except UsageProblem as problem:
        assert problem.slug == "overlap-too-large"
        return
    assert not left.found
    assert not kept[~test].any()
    assert kept.sum() >= test.sum() / 2
    assert not {row.tobytes() for row in examples[kept]} & {row.tobytes() for row in examples[~kept]}
    assert not set(groups[kept]) & set(groups[~kept])


def test_what_moves_takes_its_chain_with_it() -> None:
    """The second is near the first, the third near the second: neither is found before the one before it has moved."""
    examples = np.random.default_rng(1).normal(size=(1000, 12))
    test = a_split(1000)
    chain = np.flatnonzero(test)[:3]
    step = np.full(12, 0.02)
    origin = np.flatnonzero(~test)[0]
    for number, place in enumerate(chain, 1):
        examples[place] = examples[origin] + number * step
    blocks = in_blocks(examples)
    kept, left = mended(blocks, test, find(blocks, test))
    assert not kept[chain].any() and kept.sum() == test.sum() - 3
    assert not left.found


def test_a_group_moves_as_a_whole() -> None:
    test = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1], bool)
    groups = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3])
    found = Overlap((Pair(0, 3, 0.0),), (), (), "")
    assert moved(test, found, groups).tolist() == [False] * 5 + [True] * 4
    assert moved(test, found).tolist() == [False] * 4 + [True] * 5


def test_too_little_left_is_refused() -> None:
    test = np.arange(10) >= 6
    found = Overlap(tuple(Pair(0, place, 0.0) for place in (6, 7, 8)), (), (), "")
    with pytest.raises(UsageProblem, match=r"found 1 of 4 examples.*--groups.*\[overlap-too-large\]"):
        moved(test, found)


def test_the_words_say_how_many_which_and_what_to_do() -> None:
    found = Overlap(
        same=(Pair(101, 142, 0.0),),
        near=tuple(Pair(place, place + 50, 0.0123) for place in range(5)),
        groups=("ann", "ben", "cid", "dan"),
        looked="4 numbers",
    )
    text = str(refusal(found, 30))
    assert "1 of 30 test examples that are also training examples (142 and 101)" in text
    assert (
        "5 of 30 that nearly are (50 and 0 at distance 0.012, 51 and 1 at distance 0.012, 52 and 2 at distance 0.012, ...)"
        in text
    )
    assert "4 groups on both sides (ann, ben, cid, ...)" in text
    assert "Compared: 4 numbers." in text
    assert all(way in text for way in ("--duplicates move", "--duplicates keep", "--groups COLUMN", "[overlap]"))
    assert notice(Overlap((), (), (), "4 numbers"), 30) == "On both sides of the split: nothing. Compared: 4 numbers."


def test_of_very_many_some_are_drawn_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.vault.overlap.neighbours.MOST_DISTANCES", 1)
    examples = np.random.default_rng(0).normal(size=(6000, 12))
    test = a_split(6000)
    examples, places = planted(examples, test, noisy(0.01, np.ones(12)), 200)
    found = find(in_blocks(examples), test)
    assert f"1000 of {test.sum()} test examples" in found.looked
    assert 130 < len(found.near) < 200  # 1000 of some 1200.
    assert {pair.test for pair in found.near} <= places


def test_of_very_many_pictures_the_most_suspicious_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.vault.overlap.pictures._MOST_PIXELS", 1)
    pictures = np.random.default_rng(0).normal(size=(6000, 8, 8))
    test = a_split(6000)
    pictures, places = planted(pictures, test, lambda picture: np.roll(picture, 1, axis=0), 10)
    assert {pair.test for pair in find(in_blocks(pictures), test).near} == places


def test_equal_pictures_of_many_pixels_are_listed() -> None:
    pictures = scenes(60, 64)
    test = a_split(60)
    pictures, places = planted(pictures, test, lambda picture: picture, 3)
    assert {pair.test for pair in find(in_blocks(pictures), test).same} == places
