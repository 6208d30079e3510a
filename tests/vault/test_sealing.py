"""What sealing makes of a table: its parts, what it compares, what it refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from seatrial.errors import UsageProblem
from seatrial.vault.plan import Plan
from seatrial.vault.vault import Vault


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An identity of the test's own."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))


def table(path: Path, names: list[str], rows: list[list[object]]) -> Path:
    """A CSV file."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def measured(count: int) -> list[list[object]]:
    """Rows of two numbers and a class; the last ten are the first ten again."""
    values = np.random.default_rng(0).normal(size=(count - 10, 2)).round(6).tolist()
    rows = [[*row, "high" if row[0] > 0 else "low"] for row in values]
    return [*rows, *rows[:10]]


def test_a_number_for_each_row_hides_no_duplicates(tmp_path: Path) -> None:
    rows = [[at, *row] for at, row in enumerate(measured(200))]
    path = table(tmp_path / "data.csv", ["id", "a", "b", "label"], rows)
    with pytest.raises(UsageProblem, match="that are also training examples"):
        Vault.seal(path, tmp_path / "test.vault", target="label")


def test_a_column_that_is_named_hides_none_either(tmp_path: Path) -> None:
    rows = [[f"scan {at}", *row] for at, row in enumerate(measured(200))]
    path = table(tmp_path / "data.csv", ["picture", "a", "b", "label"], rows)
    with pytest.raises(UsageProblem, match="that are also training examples"):
        Vault.seal(path, tmp_path / "test.vault", target="label", ignore=["picture"])
    with pytest.raises(UsageProblem, match="pictures"):
        Vault.seal(path, tmp_path / "test.vault", target="label", ignore=["pictures"])


def test_a_column_called_key_whose_values_recur_is_data(tmp_path: Path) -> None:
    rows = [[at % 7, *row] for at, row in enumerate(measured(200)[:-10])]
    path = table(tmp_path / "data.csv", ["key", "a", "b", "label"], rows)
    made = Vault.seal(path, tmp_path / "test.vault", target="label")
    assert "3 numbers" in made.sealed.looked


def test_moved_duplicates_leave_nothing_on_both_sides(tmp_path: Path) -> None:
    path = table(tmp_path / "data.csv", ["a", "b", "label"], measured(200))
    made = Vault.seal(path, tmp_path / "test.vault", target="label", duplicates="move")
    assert "moved to the training part" in made.notes[0]
    with Path(made.training).open() as file:
        training = {tuple(row) for row in csv.reader(file)}
    opening = made.vault.open({"w": np.zeros(1)}, Plan(), "the test")
    parts = list(opening.parts())
    sealed = {(str(a), str(b)) for part in parts for a, b in zip(part.inputs["a"], part.inputs["b"], strict=True)}
    assert sealed and not sealed & {row[:2] for row in training}


def test_groups_and_times_may_be_given_for_each_example(tmp_path: Path) -> None:
    path = table(tmp_path / "data.csv", ["a", "b", "label"], measured(210)[:-10])
    groups = np.arange(200) // 20
    made = Vault.seal(path, tmp_path / "one.vault", target="label", groups=groups)
    assert made.sealed.examples.test == 40  # two whole groups of ten
    latest = np.random.default_rng(0).permutation(200)
    made = Vault.seal(path, tmp_path / "two.vault", target="label", time=latest, training=tmp_path / "kept.csv")
    with (tmp_path / "kept.csv").open() as file:
        kept = {row["a"] for row in csv.DictReader(file)}
    with path.open() as file:
        first = {row["a"] for row, at in zip(csv.DictReader(file), latest, strict=True) if at < 160}
    assert kept == first
    assert "given" in (tmp_path / "two.vault.ledger").read_text()
    with pytest.raises(UsageProblem, match="one value of groups for each of 200 examples"):
        Vault.seal(path, tmp_path / "three.vault", target="label", groups=[1, 2, 3])


def test_windows_of_a_series_may_be_forecast_from_but_not_be_divided_at_random(tmp_path: Path) -> None:
    series = np.random.default_rng(0).normal(size=260).round(6)
    windows = np.lib.stride_tricks.sliding_window_view(series, 25)
    rows = [[at, *row] for at, row in enumerate(windows.tolist())]
    names = ["month", *(f"x{at}" for at in range(24)), "y"]
    path = table(tmp_path / "data.csv", names, rows)
    with pytest.raises(UsageProblem, match=r"moved along its columns|also training examples|nearly"):
        Vault.seal(path, tmp_path / "one.vault", target="y", ignore=["month"])
    made = Vault.seal(path, tmp_path / "two.vault", target="y", time="month")
    assert made.sealed.examples.test == 48 and "moved along" not in made.sealed.looked
