"""seatrial puts a PyTorch training program through its trials. Importing it does not import torch."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.evaluation.comparison.study import compare as compare
    from seatrial.evaluation.evaluating import evaluate as evaluate
    from seatrial.evaluation.predictions import Predictions as Predictions
    from seatrial.integrations.trackers.tracking import track as track
    from seatrial.practice.checking import check as check
    from seatrial.practice.cross_validation.validating import cross_validate as cross_validate
    from seatrial.practice.ensembles.ensemble import ensemble as ensemble
    from seatrial.practice.ensembles.saved import Ensemble as Ensemble
    from seatrial.practice.fitting.fit import fit as fit
    from seatrial.practice.fitting.settings import Settings as Settings
    from seatrial.practice.imbalance.comparing import compare_remedies as compare_remedies
    from seatrial.practice.monitor import Monitor as Monitor
    from seatrial.practice.optimizers.comparing import compare_optimizers as compare_optimizers
    from seatrial.practice.outcome import Check as Check
    from seatrial.practice.outcome import load as load
    from seatrial.practice.predicting.predicting import predict as predict
    from seatrial.practice.rates import find_rate as find_rate
    from seatrial.practice.search.searching import search as search
    from seatrial.practice.task import Task as Task
    from seatrial.report.rates import FoundRate as FoundRate
    from seatrial.trials.gradients.layers import check_gradients as check_gradients
    from seatrial.trials.gradients.report import GradientReport as GradientReport
    from seatrial.vault.plan import Plan as Plan
    from seatrial.vault.vault import Vault as Vault

__version__ = "0.1.0"

_HOMES = {
    "Check": "practice.outcome",
    "Ensemble": "practice.ensembles.saved",
    "FoundRate": "report.rates",
    "GradientReport": "trials.gradients.report",
    "Monitor": "practice.monitor",
    "Plan": "vault.plan",
    "Predictions": "evaluation.predictions",
    "Settings": "practice.fitting.settings",
    "Task": "practice.task",
    "Vault": "vault.vault",
    "check": "practice.checking",
    "check_gradients": "trials.gradients.layers",
    "compare": "evaluation.comparison.study",
    "compare_optimizers": "practice.optimizers.comparing",
    "compare_remedies": "practice.imbalance.comparing",
    "cross_validate": "practice.cross_validation.validating",
    "ensemble": "practice.ensembles.ensemble",
    "evaluate": "evaluation.evaluating",
    "find_rate": "practice.rates",
    "fit": "practice.fitting.fit",
    "load": "practice.outcome",
    "load_ipython_extension": "integrations.notebook",
    "predict": "practice.predicting.predicting",
    "search": "practice.search.searching",
    "track": "integrations.trackers.tracking",
    "unload_ipython_extension": "integrations.notebook",
}


def __getattr__(name: str) -> Any:
    """What the Python API offers, imported when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib
    import random

    state = random.getstate()  # libraries draw from it while they are imported
    try:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    finally:
        random.setstate(state)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
