"""The predictor that a Python file offers for `seatrial vault open`."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seatrial.errors import UsageProblem

NAME = "predictor"


def predictor_of(words: str, weights: Path) -> Callable[[Any], Any]:
    """Run a file `FILE.py[:NAME]` and call the function NAME with the path of the weights: it returns `predict(inputs)`.

    Raises:
        UsageProblem: there is no such file or function, or it fails. Nothing has been opened then.
    """
    file, colon, name = words.rpartition(":")
    if not colon or not name.isidentifier():
        file, name = words, NAME
    path = Path(file)
    if not path.is_file():
        raise UsageProblem(
            f"Expected a Python file with the predictor, found no {path}.", "vault-predictor", "Check the path."
        )
    sys.path.insert(0, str(path.parent.absolute()))
    try:
        make = runpy.run_path(str(path), run_name="__predictor__").get(name)
        predict = make(weights) if callable(make) else None
    except (Exception, SystemExit) as error:
        said = f"{type(error).__name__}: {error}"
        hint = "Nothing was opened. Try it on the training data first."
        raise UsageProblem(f"Making the predictor by {path} failed: {said}.", "vault-predictor", hint) from error
    if not callable(predict):
        raise UsageProblem(
            f"Expected a function {name}(weights) in {path} that returns predict(inputs), found {'none' if make is None else make!r}.",
            "vault-predictor",
            f"def {name}(weights): ...; return lambda inputs: ...",
        )
    return predict
