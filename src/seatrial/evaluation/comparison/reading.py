"""Methods as files hold them: tables of predictions, one a training, or a table of scores."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seatrial.evaluation.comparison.methods import Cell, Method, Predicted, Scored
from seatrial.evaluation.comparison.values import refused
from seatrial.evaluation.predictions import Predictions

_ENDINGS = (".npz", ".csv")


def methods(words: Sequence[str], *, higher: bool = True) -> list[Method]:
    """The methods that arguments name. Each is `[NAME=]PATH[,PATH...]`: a file of predictions; several of them or a folder of them, one
    a training; or a CSV file of scores of several methods, with the columns

        method   its name
        seed     or `fold`, and `repeat` where the folds were drawn several times
        score    one for each training
        train, test   of folds, if they are no plain folds: examples in each part

    Args:
        higher: whether high scores are good ones (predictions know it by their figure).

    Raises:
        UsageProblem: a file is not there or holds something else.
    """
    found: list[Method] = []
    for each in words:
        name, places = _parts(each)
        if len(places) == 1 and places[0].suffix == ".csv" and _has_scores(places[0]):
            scored = _scores(places[0], higher)
            found += [replace(scored[0], name=name)] if name and len(scored) == 1 else scored
        else:
            tables = [Predictions.read(file) for place in places for file in _files(place)]
            found.append(Predicted(name or places[0].stem or str(places[0].resolve().name), tuple(tables)))
    return _told_apart(found, words)


def _parts(words: str) -> tuple[str, list[Path]]:
    name, equals, places = words.partition("=")
    if not equals or Path(words).exists():
        name, places = "", words
    paths = [Path(places)] if Path(places).exists() else [Path(each) for each in places.split(",") if each]
    if not paths:
        raise refused("[NAME=]PATH", repr(words), "compare-files", "Name a file of predictions or a folder of them.")
    return name, paths


def _files(place: Path) -> list[Path]:
    """The file itself, or those in a folder and below it: .npz, or .csv where there are no .npz."""
    if not place.is_dir():
        return [place]
    for ending in _ENDINGS:
        found = sorted(place.rglob(f"*{ending}"))
        if found:
            return found
    hint = "Predictions are written by `Predictions.write`, as .npz or .csv."
    raise refused(f"files of predictions in {place}", "none", "compare-files", hint)


def _told_apart(found: list[Method], words: Sequence[str]) -> list[Method]:
    """Files of one name in several folders are called by their paths."""
    names = [each.name for each in found]
    if len(set(names)) == len(names) or len(found) != len(words):
        return found
    return [
        replace(each, name=word) if names.count(each.name) > 1 else each
        for each, word in zip(found, words, strict=True)
    ]


# ---- scores ----------------------------------------------------------------------------------------------------------


def _has_scores(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open(encoding="utf-8", newline="") as opened:
        return {"method", "score"} <= set(_names(next(csv.reader(opened), [])))


def _names(header: Sequence[str]) -> list[str]:
    return [each.strip() for each in header]


def _scores(file: Path, higher: bool) -> list[Scored]:
    with file.open(encoding="utf-8", newline="") as opened:
        reader = csv.reader(opened)
        header = _names(next(reader))
        rows = [dict(zip(header, map(str.strip, row), strict=False)) for row in reader if row]
    by = [each for each in ("seed", "fold") if each in header]
    if len(by) != 1:
        hint = (
            "Name the column by what tells trainings apart; give folds that were drawn several times a column repeat."
        )
        raise refused(f"one column seed or fold in {file}", ", ".join(header), "compare-scores", hint)
    tables: dict[str, dict[Cell, float]] = {}
    ratios: dict[str, list[float]] = {}
    for number, row in enumerate(rows, 2):
        try:
            name, cell, score = row["method"], (row.get("repeat", ""), row[by[0]]), float(row["score"])
            ratio = [float(row["test"]) / float(row["train"])] if {"train", "test"} <= row.keys() else []
        except (KeyError, ValueError, ZeroDivisionError) as error:
            found = f"{row}"
            raise refused(
                f"a method, a {by[0]} and a score in line {number} of {file}", found, "compare-scores"
            ) from error
        of = tables.setdefault(name, {})
        if cell in of:
            hint = "Each training has one line; folds that were drawn several times need a column repeat."
            raise refused(f"one line for each {by[0]} of {name}", f"two of {row[by[0]]}", "compare-scores", hint)
        of[cell] = score
        ratios.setdefault(name, []).extend(ratio)
    return [
        Scored(
            name,
            "seed" if by[0] == "seed" else "fold",
            of,
            sum(ratios[name]) / len(ratios[name]) if ratios[name] else 0.0,
            higher=higher,
            data=str(file.resolve()),
        )
        for name, of in tables.items()
    ]
