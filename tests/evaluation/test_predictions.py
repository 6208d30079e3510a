"""The table of predictions: what does not fit is refused, files give back what was written, rows are matched by their ids."""

from __future__ import annotations

import numpy as np
import pytest

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Predictions, matched

DRAW = np.random.default_rng(0)
IDS = np.array([3, 1, 2, 7, 5, 9])


def several() -> dict[str, Predictions]:
    chances = DRAW.dirichlet([1, 1, 1], 6)
    return {
        "binary": Predictions("binary", np.array([0, 1, 1, 0, 1, 0]), DRAW.random(6), IDS, classes=("no", "yes")),
        "multiclass": Predictions(
            "multiclass", np.array([0, 1, 2, 0, 1, 2]), chances, IDS, np.array(["a", "b", "a", "c", "c", "b"])
        ),
        "multilabel": Predictions("multilabel", DRAW.integers(0, 2, (6, 2)), DRAW.random((6, 2)), IDS),
        "regression": Predictions("regression", DRAW.normal(size=6), DRAW.normal(size=6), IDS, model="net", seed=4),
        "regression of two": Predictions("regression", DRAW.normal(size=(6, 2)), DRAW.normal(size=(6, 2)), IDS),
    }


@pytest.mark.parametrize("ending", [".npz", ".csv"])
@pytest.mark.parametrize("name", list(several()))
def test_a_file_gives_back_what_was_written(name, ending, tmp_path):
    of = several()[name]
    of.write(tmp_path / f"table{ending}")
    found = Predictions.read(tmp_path / f"table{ending}")
    assert found.kind == of.kind
    assert np.array_equal(found.targets, of.targets) and np.allclose(found.scores, of.scores, atol=1e-15)
    assert found.examples_hash == of.examples_hash
    assert (found.groups is None) == (of.groups is None)
    assert found.classes == of.classes


def test_counts_of_pixels_come_back_from_npz_only(tmp_path):
    counts = DRAW.integers(0, 9, (4, 3, 3))
    of = Predictions("segmentation", counts.sum(2), counts, np.arange(4), seed=2, data="held out")
    of.write(tmp_path / "table.npz")
    found = Predictions.read(tmp_path / "table.npz")
    assert np.array_equal(found.scores, counts) and (found.seed, found.data) == (2, "held out")
    with pytest.raises(UsageProblem, match="predictions-file"):
        of.write(tmp_path / "table.csv")


def test_a_table_of_another_program_is_read(tmp_path):
    path = tmp_path / "svm.csv"
    path.write_text("target,prediction\ncat,cat\ndog,cat\nape,ape\n")
    found = Predictions.read(path)
    assert (found.kind, found.classes, found.model) == ("multiclass", ("ape", "cat", "dog"), "svm")
    assert found.right.tolist() == [True, False, True] and not found.graded
    path.write_text("id,target,prediction\n1,0.5,0.75\n2,1.25,1\n")
    assert Predictions.read(path).kind == "regression"
    path.write_text("target,p:no,p:yes\nyes,0.2,0.8\nno,0.4,0.6\n")
    found = Predictions.read(path)
    assert (found.kind, found.labels.tolist(), found.graded) == ("binary", [1, 1], True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("target\n1\n", "no column prediction"),
        ("target,p:a,p:b\nc,0.1,0.9\n", "the target 'c'"),
        ("target,prediction\n0.5,x\n", "could not convert"),
        ("id,target,prediction\n1,a,a\n1,b,b\n", "occur again"),
        ("", "no example"),
    ],
)
def test_what_is_no_table_is_refused(text, told, tmp_path):
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(UsageProblem, match=told):
        Predictions.read(tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("kind", "targets", "scores", "told"),
    [
        ("binary", [0, 2], [0.1, 0.2], "targets of 0 and 1"),
        ("binary", [0, 1], [0.1, 1.2], "probabilities"),
        ("multiclass", [0, 3], [[0.5, 0.5], [1, 0]], "class indexes from 0 to 1"),
        ("multiclass", [0, 1], [0.5, 0.5], "shapes"),
        ("regression", [0.0, 1], [np.nan, 1], "finite scores"),
        ("ranking", [0, 1], [0, 1], "a kind"),
        ("regression", [], [], "at least one example"),
        ("regression", [1.0], [1.0, 2.0], "scores for each of 1"),
    ],
)
def test_what_does_not_fit_is_refused(kind, targets, scores, told):
    with pytest.raises(UsageProblem, match=told):
        Predictions(kind, np.array(targets), np.array(scores), np.arange(len(targets)))


def test_rows_are_matched_by_their_ids():
    of = several()["multiclass"]
    other = of.at(np.array([5, 2, 0, 1, 4, 3]))
    first, second = matched([of, other])
    assert np.array_equal(second.ids, first.ids) and np.array_equal(second.scores, first.scores)
    assert second.groups is not None and np.array_equal(second.groups, of.groups)
    with pytest.raises(UsageProblem, match="differ"):
        matched([of, of.at(np.arange(5))])


def test_other_columns_of_a_table_are_numbers_or_words(tmp_path):
    from seatrial.evaluation.tables import other_columns

    path = tmp_path / "table.csv"
    path.write_text("id,target,p:a,p:b,age,site\n1,a,0.9,0.1,41,x\n2,b,0.2,0.8,,y\n")
    found = other_columns(path)
    assert list(found) == ["age", "site"]
    assert found["age"][0] == 41 and np.isnan(found["age"][1])
    assert found["site"].tolist() == ["x", "y"]
    with pytest.raises(UsageProblem, match="predictions-file"):
        other_columns(tmp_path / "none.csv")


def test_what_several_raters_said(tmp_path):
    """Their majority is the target where there is none; an example without a majority is left out, for the raters too."""
    from seatrial.evaluation.tables import other_columns, raters

    path = tmp_path / "rated.csv"
    head = "prediction,rater:ann,rater:bob,rater:eve,site\n"
    path.write_text(head + "cat,cat,cat,dog,x\ndog,cat,dog,,x\ndog,dog,,,y\ncat,dog,dog,dog,y\n")
    found = Predictions.read(path)
    assert found.classes == ("cat", "dog") and found.targets.tolist() == [0, 1, 1]
    assert found.ids.tolist() == [0, 2, 3]
    assert raters(path, found.classes).tolist() == [[0, 0, 1], [1, -1, -1], [1, 1, 1]]
    assert other_columns(path)["site"].tolist() == ["x", "y", "y"]
    path.write_text("prediction,rater:a,rater:b\n1.5,1,2.5\n2,,3\n")
    found = Predictions.read(path)
    assert found.kind == "regression" and found.targets.tolist() == [1.75, 3.0]
    path.write_text("target,prediction,rater:a\na,b,a\nb,b,c\n")
    with pytest.raises(UsageProblem, match="rater's answer 'c'"):
        raters(path, Predictions.read(path).classes)
    path.write_text("target,prediction\na,b\n")
    assert raters(path, ("a", "b")) is None


def test_numbers_as_ids_and_their_texts_are_the_same_examples(tmp_path):
    """A .csv knows texts only; 10 stands before 9 there, and after it among numbers."""
    of = Predictions("binary", np.arange(12) % 2, np.linspace(0, 1, 12), np.arange(12))
    of.write(tmp_path / "table.csv")
    found = Predictions.read(tmp_path / "table.csv")
    assert found.examples_hash == of.examples_hash
    assert np.array_equal(matched([of, found.at(np.arange(12)[::-1])])[1].scores, of.scores)
