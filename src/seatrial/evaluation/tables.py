"""Predictions on disk: .npz, exact; or .csv, to be read by people and written by other programs.

A CSV file has a row for each example and the columns

    id          which example it is; the number of the row where it is missing
    group       examples that belong together; may be missing
    target      the true class by name, or the true value; for several labels or outputs a column `target:NAME` each
                without it, what most of the raters said (the mean of numbers); examples without a majority are left out
    rater:NAME  what this rater said, a column each, empty where nothing; may be missing
    prediction  the answer, of the same kind; or `p:NAME` for each class or label: its probability

Other columns are what is known of the examples: slices are looked for in them (see `seatrial.evaluation.slices`).
With `p:NAME` columns the classes are those names, without them those that occur. Targets with fractions are a regression's.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.errors import UsageProblem
from seatrial.evaluation.predictions import Kind, Predictions
from seatrial.files import replace_by

_FORMAT = 1
_RATER = "rater:"
_HINT = "See `python -m pydoc seatrial.evaluation.tables`."


def read(path: Path) -> Predictions:
    """Predictions from a file; see the top of this page.

    Raises:
        UsageProblem: there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise UsageProblem(f"Expected a file of predictions, found no {path}.", "predictions-file", "Check the path.")
    if path.suffix == ".npz":
        return _read_npz(path)
    if path.suffix == ".csv":
        return _read_csv(path)
    raise _unreadable(path, "a file with another ending than .npz and .csv")


def other_columns(path: Path) -> dict[str, NDArray[Any]]:
    """Columns of a .csv that are no part of its predictions, by name: numbers where all are, else words.

    Raises:
        UsageProblem: there is no such file, or it is no table.
    """
    columns = _read_columns(path)
    own = {"id", "group", "target", "prediction"}
    return {
        name: _numbers(column)
        for name, column in columns.items()
        if name not in own and not name.startswith(("target:", "p:", "prediction:", _RATER))
    }


def raters(path: Path, classes: Sequence[str]) -> NDArray[np.int64] | None:
    """(n, raters) the class by each rater of the examples in a .csv, -1 where none; None where it has no such columns.

    Raises:
        UsageProblem: there is no such file, it is no table, or a rater gave a class that is none of these.
    """
    given = [column for name, column in _read_columns(path).items() if name.startswith(_RATER)]
    known = {"": -1} | {name: at for at, name in enumerate(classes)}
    strange = sorted({*np.concatenate(given).tolist()} - {*known}) if given else []
    if strange:
        raise _unreadable(path, f"a rater's answer {strange[0]!r} that is no class of the predictions")
    return np.array([[known[word] for word in row] for row in zip(*given, strict=True)]) if given else None


def write(predictions: Predictions, path: Path) -> None:
    """Write predictions, as .npz or .csv by the file's ending.

    Raises:
        UsageProblem: the ending is another one, or the predictions are counts of pixels, which need .npz.
    """
    if path.suffix == ".npz":
        replace_by(path, lambda partial: _write_npz(predictions, partial))
    elif path.suffix == ".csv" and predictions.kind != "segmentation":
        replace_by(path, lambda partial: partial.write_text(_csv_text(predictions), encoding="utf-8"))
    else:
        raise _unreadable(path, f"{path.suffix or 'no ending'} for {predictions.kind} predictions")


# ---- npz ---------------------------------------------------------------------------------------------------------


def _write_npz(predictions: Predictions, path: Path) -> None:
    about = {
        "format": _FORMAT,
        "kind": predictions.kind,
        "classes": predictions.classes,
        "model": predictions.model,
        "seed": predictions.seed,
        "data": predictions.data,
    }
    arrays = {"targets": predictions.targets, "scores": predictions.scores, "ids": predictions.ids}
    if predictions.groups is not None:
        arrays["groups"] = predictions.groups
    text = {name: array.astype(str) if array.dtype.hasobject else array for name, array in arrays.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, about=np.array(json.dumps(about)), **text)


def _read_npz(path: Path) -> Predictions:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, NDArray[Any]] = {name: file[name] for name in file.files}
        about = json.loads(str(arrays.pop("about")))
        if about["format"] != _FORMAT:
            raise ValueError(f"format {about['format']}")
        return Predictions(
            about["kind"],
            arrays["targets"],
            arrays["scores"],
            arrays["ids"],
            arrays.get("groups"),
            tuple(about["classes"]),
            about["model"],
            about["seed"],
            about["data"],
        )
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, EOFError) as error:
        raise _unreadable(path, str(error)) from error


# ---- csv ---------------------------------------------------------------------------------------------------------


def _csv_text(of: Predictions) -> str:
    columns: dict[str, Sequence[Any]] = {"id": of.ids.tolist()}
    if of.groups is not None:
        columns["group"] = of.groups.tolist()
    if of.kind in ("binary", "multiclass"):
        columns["target"] = [of.classes[at] for at in of.targets.astype(int)]
        columns |= {f"p:{name}": of.probabilities[:, at].tolist() for at, name in enumerate(of.classes)}
    elif of.targets.ndim == 1:
        columns |= {"target": of.targets.tolist(), "prediction": of.scores.tolist()}
    else:
        answer = "p" if of.kind == "multilabel" else "prediction"
        columns |= {f"target:{name}": of.targets[:, at].tolist() for at, name in enumerate(of.classes)}
        columns |= {f"{answer}:{name}": of.scores[:, at].tolist() for at, name in enumerate(of.classes)}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def _read_csv(path: Path) -> Predictions:
    try:
        columns = _with_targets(_columns(path))
        ids = columns["id"]
        kind, targets, scores, classes = _answers(path, columns)
        return Predictions(kind, targets, scores, ids, columns.get("group"), classes, path.stem)
    except (IndexError, ValueError) as error:
        raise _unreadable(path, str(error)) from error


def _columns(path: Path) -> dict[str, NDArray[Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        lines = [row for row in csv.reader(file) if row]
    if len(lines) < 2:
        raise ValueError("no example")
    header, *rows = lines
    return {name.strip(): np.array([row[at].strip() for row in rows]) for at, name in enumerate(header)}


def _read_columns(path: Path) -> dict[str, NDArray[Any]]:
    """Those of the examples that `read` takes."""
    try:
        return _with_targets(_columns(path))
    except (OSError, IndexError, ValueError) as error:
        raise _unreadable(path, str(error)) from error


def _with_targets(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The same with ids, and with targets by the raters where there are none."""
    columns = {"id": np.arange(len(next(iter(columns.values())))), **columns}
    given = [column for name, column in columns.items() if name.startswith(_RATER)]
    if not given or any(name.partition(":")[0] == "target" for name in columns):
        return columns
    from seatrial.evaluation.rating.agreement import majority, mean_rating

    words = np.stack(given, axis=1)
    if "prediction" in columns and _is_continuous(words[words != ""]):
        targets = mean_rating(np.where(words == "", "nan", words).astype(float))
        clear = np.isfinite(targets)
    else:
        names, codes = np.unique(words, return_inverse=True)
        most = majority(np.where(words == "", -1, codes.reshape(words.shape)))
        targets, clear = names[most], most >= 0
    return {name: column[clear] for name, column in {**columns, "target": targets.astype(str)}.items()}


def _numbers(words: NDArray[Any]) -> NDArray[Any]:
    """As numbers where all are, an empty one being nan; else the words."""
    try:
        return np.where(words == "", "nan", words).astype(float)
    except ValueError:
        return words


def _answers(path: Path, columns: dict[str, NDArray[Any]]) -> tuple[Kind, NDArray[Any], NDArray[Any], tuple[str, ...]]:
    several = [name.removeprefix("target:") for name in columns if name.startswith("target:")]
    chances = {name.removeprefix("p:"): column for name, column in columns.items() if name.startswith("p:")}
    if several:
        kind: Kind = "multilabel" if chances else "regression"
        answer = "p" if chances else "prediction"
        _check_columns(path, columns, [f"{answer}:{name}" for name in several])
        targets, scores = (_stacked(columns, [f"{part}:{name}" for name in several]) for part in ("target", answer))
        return kind, targets, scores, tuple(several)
    _check_columns(path, columns, ["target"] if chances else ["target", "prediction"])
    if chances:
        classes = tuple(chances)
        scores = _stacked(columns, [f"p:{name}" for name in classes])
        targets = _indexes(path, columns["target"], classes)
        return (
            ("binary", targets, scores[:, 1], classes)
            if len(classes) == 2
            else ("multiclass", targets, scores, classes)
        )
    if _is_continuous(columns["target"]) or _is_continuous(columns["prediction"]):
        return "regression", columns["target"].astype(float), columns["prediction"].astype(float), ()
    classes = _in_order({*columns["target"].tolist(), *columns["prediction"].tolist()})
    targets, found = (_indexes(path, columns[name], classes) for name in ("target", "prediction"))
    if len(classes) == 2:
        return "binary", targets, found.astype(float), classes
    return "multiclass", targets, np.eye(len(classes))[found], classes


def _is_continuous(words: NDArray[Any]) -> bool:
    """Whether all are numbers and some have a fraction."""
    try:
        return bool((words.astype(float) % 1 != 0).any())
    except ValueError:
        return False


def _in_order(names: set[str]) -> tuple[str, ...]:
    """Numbers by size, other names by the alphabet."""
    try:
        return tuple(sorted(names, key=float))
    except ValueError:
        return tuple(sorted(names))


def _indexes(path: Path, names: NDArray[Any], classes: tuple[str, ...]) -> NDArray[np.int64]:
    known = {name: at for at, name in enumerate(classes)}
    strange = sorted({*names.tolist()} - {*known})
    if strange:
        raise _unreadable(path, f"the target {strange[0]!r} and no column p:{strange[0]}")
    return np.array([known[name] for name in names], dtype=np.int64)


def _stacked(columns: dict[str, NDArray[Any]], names: Sequence[str]) -> NDArray[np.float64]:
    return np.stack([columns[name].astype(float) for name in names], axis=1)


def _check_columns(path: Path, columns: dict[str, NDArray[Any]], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise _unreadable(path, f"no column {missing[0]} among {', '.join(columns)}")


def _unreadable(path: Path, found: str) -> UsageProblem:
    return UsageProblem(f"Expected a table of predictions in {path}, found {found}.", "predictions-file", _HINT)
