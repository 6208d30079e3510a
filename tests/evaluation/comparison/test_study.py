"""Methods compared: the design chooses the test and says why, what nothing can be said of is refused, every comparison is counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from seatrial.cli.compare import command
from seatrial.errors import UsageProblem
from seatrial.evaluation.comparison import made, reading, results
from seatrial.evaluation.comparison.figures import FIGURES, figure
from seatrial.evaluation.comparison.methods import Method, Predicted, Scored
from seatrial.evaluation.comparison.showing import as_dict, write
from seatrial.evaluation.comparison.study import compare
from seatrial.evaluation.comparison.words import supported, unsupported
from seatrial.evaluation.predictions import KINDS, Kind, Predictions
from seatrial.vault.plan import Plan
from seatrial.vault.vault import Vault

DRAW = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def _drawn_anew():
    """Each test draws the same, whatever ran before it."""
    global DRAW
    DRAW = np.random.default_rng(3)


TARGETS = np.random.default_rng(0).integers(0, 3, 300)


def table(right: float, seed: int = 0, rows: slice = slice(None), groups: bool = False) -> Predictions:
    wrong = DRAW.random(300) > right
    answers = np.where(wrong, (TARGETS + 1) % 3, TARGETS)
    scores = np.full((300, 3), 0.1)
    scores[np.arange(300), answers] = 0.8
    names = np.arange(300) // 3 if groups else None
    return Predictions("multiclass", TARGETS, scores, np.arange(300), names, (), "", seed).at(np.arange(300)[rows])


def method(name: str, right: float, trainings: int = 1, **more: bool) -> Predicted:
    return Predicted(name, tuple(table(right, seed, **more) for seed in range(trainings)))


def folds(name: str, k: int, repeats: int = 1, better: float = 0.0) -> Scored:
    cells = {(str(r), str(f)): 0.8 + better + 0.02 * float(DRAW.normal()) for r in range(repeats) for f in range(k)}
    return Scored(name, "fold", cells)


def seeds(name: str, labels: str, better: float = 0.0) -> Scored:
    return Scored(name, "seed", {("", each): 0.8 + better + 0.01 * float(DRAW.normal()) for each in labels})


@pytest.mark.parametrize(
    ("one", "other", "by", "test", "why"),
    [
        (method("a", 0.9), method("b", 0.8), "", "McNemar, exact", "right and the other wrong"),
        (method("a", 0.9), method("b", 0.8), "log-loss", "paired permutation", "could as well be swapped"),
        (method("a", 0.9), method("b", 0.8), "f1", "paired permutation", "could as well be swapped"),
        (method("a", 0.9, groups=True), method("b", 0.8, groups=True), "", "paired permutation", "whole groups"),
        (method("a", 0.9, 3), method("b", 0.8, 4), "", "t over seeds and examples", "both count as noise"),
        (method("a", 0.9, 3), method("b", 0.8, 3), "balanced-accuracy", "t over seeds and examples", "the same seeds"),
        (seeds("a", "0123"), seeds("b", "0123"), "", "paired t over seeds", "seed by seed"),
        (seeds("a", "0123"), seeds("b", "45678"), "", "Welch", "nothing in common"),
        (folds("a", 10), folds("b", 10), "", "corrected resampled t", "share most of their examples"),
        (folds("a", 10, 3), folds("b", 10, 3), "", "corrected resampled t", "share most of their examples"),
        (folds("a", 2, 5), folds("b", 2, 5), "", "5x2cv combined F", "halves five times"),
    ],
)
def test_the_design_chooses_the_test_and_says_why(one: Method, other: Method, by: str, test: str, why: str):
    pair = compare([one, other], by).pairs[0]
    assert pair.result.compared.test.startswith(test)
    assert why in pair.why
    assert 0 <= pair.result.compared.p <= pair.adjusted <= 1
    assert (pair.result.better is None) == (test.startswith(("McNemar", "paired permutation", "5x2cv")))


@pytest.mark.parametrize(
    ("one", "other", "slug"),
    [
        (method("a", 0.9), method("b", 0.8, 3), "compare-one-training"),
        (method("a", 0.9), Predicted("b", (table(0.8, rows=slice(200)),)), "compare-test-sets"),
        (method("a", 0.9), seeds("b", "012"), "compare-forms"),
        (seeds("a", "012"), folds("b", 3), "compare-forms"),
        (seeds("a", "0"), seeds("b", "012"), "compare-few"),
        (folds("a", 5), folds("b", 4), "compare-folds"),
        (Scored("a", "fold", {("0", "0"): 1.0}), Scored("b", "fold", {("0", "0"): 1.0}), "compare-few"),
        (method("a", 0.9), method("a", 0.8), "compare-names"),
        (method("a", 0.9), Predicted("b", ()), "compare-few"),
    ],
)
def test_what_nothing_can_be_said_of_is_refused_with_what_to_do(one: Method, other: Method, slug: str):
    with pytest.raises(UsageProblem) as raised:
        compare([one, other])
    assert raised.value.slug == slug


def test_other_test_sets_are_compared_where_one_says_that_they_are_independent():
    one, other = Predicted("a", (table(0.95, rows=slice(150)),)), Predicted("b", (table(0.6, rows=slice(150, 300)),))
    pair = compare([one, other], independent=True).pairs[0]
    assert (pair.result.compared.test, pair.is_shown) == ("two proportions", True)


def test_out_of_fold_predictions_are_folds():
    parts = [slice(0, 100), slice(100, 200), slice(200, 300)]
    one, other = (Predicted(n, tuple(table(r, rows=part) for part in parts)) for n, r in (("a", 0.9), ("b", 0.85)))
    pair = compare([one, other]).pairs[0]
    assert pair.design == "3 folds"
    assert pair.result.figures[0] == pytest.approx(np.mean([each.right.mean() for each in one.trainings]))


def test_rows_are_matched_by_their_ids():
    one, other = table(0.9), table(0.8)
    expected = compare([Predicted("a", (one,)), Predicted("b", (other,))]).pairs[0].result.compared.p
    mixed = other.at(DRAW.permutation(300))
    assert compare([Predicted("a", (one,)), Predicted("b", (mixed,))]).pairs[0].result.compared.p == expected


def test_ranks_of_scores_are_compared_by_swapping_them():
    targets = np.arange(40) % 2
    one, other = (
        Predicted(name, (Predictions("binary", targets, DRAW.random(40) * (1 - by) + by * targets, np.arange(40)),))
        for name, by in (("a", 0.6), ("b", 0.1))
    )
    for by in ("roc-auc", "average-precision"):
        found = compare([one, other], by).pairs[0].result.compared
        assert "draws" in found.test and found.p < 0.05
        assert 0 < found.low < found.effect < found.high


def test_ranks_of_many_scores_are_compared_by_what_examples_contribute(monkeypatch: pytest.MonkeyPatch):
    targets = np.arange(2000) % 2
    one, other = (
        Predicted(name, (Predictions("binary", targets, DRAW.random(2000) * 0.7 + by * targets, np.arange(2000)),))
        for name, by in (("a", 0.3), ("b", 0.27))
    )
    swapped = compare([one, other], "roc-auc").pairs[0].result.compared
    monkeypatch.setattr(results, "MANY", 2000)
    found = compare([one, other], "roc-auc").pairs[0].result.compared
    assert found.effect == pytest.approx(swapped.effect)
    assert found.p == pytest.approx(swapped.p, abs=0.03)


def test_a_figure_that_the_examples_do_not_define_shows_nothing():
    ones = np.ones(40)
    of_one_class = [Predicted(n, (Predictions("binary", ones, DRAW.random(40), np.arange(40)),)) for n in "ab"]
    constant = [Predicted(n, (Predictions("regression", ones, DRAW.random(40), np.arange(40)),)) for n in "ab"]
    for methods, by in ((of_one_class, "roc-auc"), (constant, "r2")):
        with pytest.raises(UsageProblem, match="compare-undefined"):
            compare(methods, by)


def test_areas_are_of_the_classes_that_the_examples_have():
    from sklearn.metrics import roc_auc_score

    targets, scores = np.arange(40) % 2, DRAW.dirichlet([1, 1, 1], 40)
    of = Predictions("multiclass", targets, scores, np.arange(40))
    found = figure("roc-auc", "multiclass")
    expected = np.mean([roc_auc_score(targets == at, scores[:, at]) for at in range(2)])
    assert found.value(of) == pytest.approx(expected, rel=1e-12)
    assert found.contributions(of).mean() == pytest.approx(expected, rel=1e-9)


def test_lower_is_better_of_a_loss():
    study = compare([method("good", 0.95), method("bad", 0.6)], "log-loss")
    assert supported(study)[0].startswith("good is better than bad in log-loss")
    better = compare([method("good", 0.95, 3), method("bad", 0.6, 3)], "log-loss").pairs[0].result.better
    assert better is not None and better.probability > 0.9


def test_a_difference_too_small_to_tell_says_how_much_would_be_needed():
    few = compare([seeds("a", "012", 0.003), seeds("b", "012")])
    assert "Not enough to tell." in supported(few)[0] or "better than" in supported(few)[0]
    same = compare([method("a", 0.9), method("b", 0.9)])
    assert "test examples would" in supported(same)[0]
    assert any("One training each" in each for each in unsupported(same))


def test_three_methods_are_three_comparisons_and_holm_knows_it():
    methods = [method("a", 0.95), method("b", 0.9), method("c", 0.6)]
    study = compare(methods)
    assert [(pair.first, pair.second, pair.of) for pair in study.pairs] == [("a", "b", 3), ("a", "c", 3), ("b", "c", 3)]
    least = min(study.pairs, key=lambda pair: pair.result.compared.p)
    assert least.adjusted == pytest.approx(3 * least.result.compared.p)


def test_comparisons_are_counted_over_calls_and_each_once(tmp_path: Path):
    file = tmp_path / "deep" / "comparisons.jsonl"
    methods = [method("a", 0.95), method("b", 0.9), method("c", 0.6)]
    compare(methods[:2], counted=file)
    again = compare(methods[1::-1], counted=file)
    assert (again.earlier, again.pairs[0].of) == (0, 1)
    other = compare(methods[:2], "f1", counted=file)
    assert (other.earlier, other.pairs[0].of) == (1, 2)
    last = compare(methods, counted=file)
    assert (last.earlier, last.pairs[0].of) == (1, 4)
    assert len(made.read(file)) == 4
    elsewhere = [seeds("a", "012"), seeds("b", "012")]
    assert compare(elsewhere, counted=file).pairs[0].of == 1
    file.write_text(file.read_text() + "{broken\n")
    with pytest.raises(UsageProblem, match="line 6"):
        compare(methods, counted=file)


def test_looks_of_a_vault_count_where_no_comparison_accounts_for_them():
    methods = [method("a", 0.95), method("b", 0.9)]
    assert compare(methods, looks=2).pairs[0].of == 1
    found = compare(methods, looks=5)
    assert (found.looks, found.pairs[0].of) == (3, 4)
    assert found.pairs[0].adjusted == pytest.approx(min(1, 4 * found.pairs[0].result.compared.p))
    assert "ledger" in " ".join(unsupported(found))


# ---- figures ---------------------------------------------------------------------------------------------------------


def _of_kind(kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    two = DRAW.integers(0, 2, 40)
    tables = {
        "binary": (two, DRAW.random(40)),
        "multiclass": (DRAW.integers(0, 3, 40), DRAW.dirichlet([1, 1, 1], 40)),
        "multilabel": (DRAW.integers(0, 2, (40, 3)), DRAW.random((40, 3))),
        "regression": (DRAW.normal(size=40), DRAW.normal(size=40)),
    }
    if kind == "segmentation":
        counts = DRAW.integers(1, 9, (40, 2, 2))
        return counts.sum(axis=2), counts
    return tables[kind]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in FIGURES[kind]])
def test_figures_are_those_of_scikit_learn(kind: Kind, name: str):
    import sklearn.metrics as reference

    targets, scores = _of_kind(kind)
    of = Predictions(kind, targets, scores, np.arange(40))
    answers = of.scores if kind == "segmentation" else of.labels
    pixels = _pixels(scores.sum(axis=0)) if kind == "segmentation" else ([], [])
    average = "binary" if kind == "binary" else "macro"
    true, told = pixels if kind == "segmentation" else (targets, answers)
    each = range(3 if kind == "multilabel" else 0)
    expected = {
        "accuracy": lambda: reference.accuracy_score(targets, answers),
        "balanced-accuracy": lambda: reference.balanced_accuracy_score(true, told),
        "log-loss": lambda: (
            np.mean([reference.log_loss(targets[:, at], scores[:, at]) for at in each])
            if each
            else reference.log_loss(targets, scores)
        ),
        "brier": lambda: (
            np.mean([reference.brier_score_loss(targets[:, at], scores[:, at]) for at in each])
            if each
            else reference.brier_score_loss(targets, scores, scale_by_half=kind == "binary")
        ),
        "mcc": lambda: reference.matthews_corrcoef(targets, answers),
        "f1": lambda: reference.f1_score(targets, answers, average=average),
        "micro-f1": lambda: reference.f1_score(targets, answers, average="micro"),
        "roc-auc": lambda: reference.roc_auc_score(targets, scores, multi_class="ovr"),
        "average-precision": lambda: reference.average_precision_score(targets, scores),
        "hamming-loss": lambda: reference.hamming_loss(targets, answers),
        "exact-match": lambda: reference.accuracy_score(targets, answers),
        "mae": lambda: reference.mean_absolute_error(targets, scores),
        "mse": lambda: reference.mean_squared_error(targets, scores),
        "rmse": lambda: reference.root_mean_squared_error(targets, scores),
        "r2": lambda: reference.r2_score(targets, scores),
        "mean-iou": lambda: reference.jaccard_score(true, told, average="macro"),
        "mean-dice": lambda: reference.f1_score(true, told, average="macro"),
        "pixel-accuracy": lambda: reference.accuracy_score(true, told),
    }
    found = figure(name, kind)
    assert found.value(of) == pytest.approx(expected[name](), rel=1e-9)
    assert found.contributions(of).shape == (40,)
    assert found.contributions(of).mean() == pytest.approx(found.value(of), rel=1e-9)


def _pixels(table: np.ndarray) -> tuple[list[int], list[int]]:
    pairs = [(true, told) for true in range(2) for told in range(2) for _ in range(int(table[true, told]))]
    return [true for true, _ in pairs], [told for _, told in pairs]


def test_a_figure_that_there_is_not_is_told_with_the_one_meant():
    with pytest.raises(UsageProblem, match="Did you mean accuracy"):
        figure("acuracy", "binary")


# ---- files and the command line --------------------------------------------------------------------------------------


def test_methods_are_files_folders_lists_and_tables_of_scores(tmp_path: Path):
    table(0.9).write(tmp_path / "one.npz")
    (tmp_path / "net").mkdir()
    for seed in range(3):
        table(0.9, seed).write(tmp_path / "net" / f"{seed}.npz")
    scores = tmp_path / "scores.csv"
    scores.write_text("method, seed, score\na, 0, 0.9\na, 1, 0.8\nb, 0, 0.7\nb, 1, 0.75\n")
    folder = str(tmp_path)
    found = reading.methods([f"{folder}/one.npz", f"{folder}/net", f"other={folder}/net/0.npz,{folder}/net/1.npz"])
    assert [(each.name, len(each.trainings)) for each in found if isinstance(each, Predicted)] == [
        ("one", 1),
        ("net", 3),
        ("other", 2),
    ]
    scored = reading.methods([str(scores)])
    assert [(each.name, each.scores) for each in scored if isinstance(each, Scored)] == [
        ("a", {("", "0"): 0.9, ("", "1"): 0.8}),
        ("b", {("", "0"): 0.7, ("", "1"): 0.75}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "method,score\na,1\n",
        "method,seed,fold,score\na,1,1,1\n",
        "method,seed,score\na,0,good\n",
        "method,fold,score\na,0,1\na,0,1\n",
    ],
)
def test_a_table_of_scores_that_cannot_be_read_is_refused(text: str, tmp_path: Path):
    (tmp_path / "scores.csv").write_text(text)
    with pytest.raises(UsageProblem, match="Expected"):
        reading.methods([str(tmp_path / "scores.csv")])


def test_divisions_that_are_no_folds_need_their_sizes(tmp_path: Path):
    rows = "".join(f"{m},{f},{0.8 + 0.01 * f},90,10\n" for m in "ab" for f in range(4))
    file = tmp_path / "scores.csv"
    file.write_text("method,fold,score,train,test\n" + rows.replace("b,0,0.8", "b,0,0.85"))
    methods = reading.methods([str(file)])
    assert all(isinstance(each, Scored) and each.ratio == pytest.approx(1 / 9) for each in methods)
    assert compare(methods).pairs[0].result.compared.n == 4


def test_the_command_prints_writes_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name, right in (("a", 0.95), ("b", 0.8)):
        table(right).write(tmp_path / f"{name}.npz")
    done = CliRunner().invoke(command, ["a.npz", "b.npz", "--out", "found"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "a is better than b in accuracy" in " ".join(done.output.split())
    told = json.loads((tmp_path / "found" / "compare.json").read_text())
    assert told["pairs"][0]["shown"] is True
    assert told["pairs"][0]["result"]["compared"]["test"] == "McNemar, exact"
    assert "a - b" in (tmp_path / "found" / "compare.svg").read_text()
    assert len(made.read(tmp_path / "seatrial-runs" / made.FILE)) == 1
    quiet = CliRunner().invoke(command, ["a.npz", "b.npz", "--by", "f1", "--quiet", "--out", "found"])
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_identical_predictions_do_not_differ_and_everything_can_be_written(tmp_path: Path):
    same = table(0.9)
    for by in ("", "log-loss", "f1"):
        study = compare([Predicted("a", (same,)), Predicted("b", (same,))], by)
        assert "do not differ" in supported(study)[0] or "Not shown" in supported(study)[0]
        assert study.pairs[0].result.compared.p == 1
        write(study, tmp_path)
        json.dumps(as_dict(study), allow_nan=False)


def test_looks_of_a_vault_are_read_from_its_ledger_while_it_stays_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{value:.6f},{at % 2}\n" for at, value in enumerate(DRAW.random(60)))
    Path("data.csv").write_text("x,label\n" + rows)
    vault = Vault.seal("data.csv", "test.vault", target="label").vault
    for number in range(5):
        vault.open({"weights": np.arange(3.0)}, Plan(["accuracy"], {"accuracy": 0.5}), f"number {number}")
    before = Path("test.vault.ledger").read_bytes()
    for name, right in (("a", 0.95), ("b", 0.8)):
        table(right).write(f"{name}.npz")
    words = ["a.npz", "b.npz", "--vault", "test.vault", "--out", "found"]
    done = CliRunner().invoke(command, words, catch_exceptions=False)
    assert "adjusted for 4 comparisons" in " ".join(done.output.split())
    assert Path("test.vault.ledger").read_bytes() == before
