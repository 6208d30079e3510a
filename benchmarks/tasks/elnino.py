"""Temperature of the Pacific's surface, a month ahead, from two years of months (statsmodels' bundled series, 1950 to 2010).

What is held out is later than what is trained on. Inputs and target are deviations from the usual of their month, by the first
30 years.
"""

from typing import Any

import numpy as np
import statsmodels.api as sm
import torch
from torch import nn
from torch.utils.data import TensorDataset

from seatrial import Task

MONTHS = 24

table = sm.datasets.elnino.load_pandas().data.to_numpy()[:, 1:]
usual = table[:30].mean(axis=0)
series = ((table - usual) / (table[:30] - usual).std()).reshape(-1)
inputs = np.lib.stride_tricks.sliding_window_view(series, MONTHS)[:-1].copy()
targets = series[MONTHS:, None].copy()


def network(hidden: int, dropout: float) -> nn.Module:
    """A linear model where there are no hidden units."""
    if not hidden:
        return nn.Linear(MONTHS, 1)
    return nn.Sequential(nn.Linear(MONTHS, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 1))


def described(hidden: int = 32, dropout: float = 0.2, rate: float = 3e-3, decay: float = 0.1) -> Task:
    return Task(
        lambda: network(hidden, dropout),
        nn.MSELoss(),
        TensorDataset(torch.tensor(inputs, dtype=torch.float32), torch.tensor(targets, dtype=torch.float32)),
        optimizer=lambda model: torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay),
        batch_size=16,
        times=range(len(inputs)),
    )


def space(trial: Any) -> Task:
    hidden = trial.suggest_categorical("hidden", [0, 8, 32])
    dropout = trial.suggest_float("dropout", 0.0, 0.5) if hidden else 0.0
    rate = trial.suggest_float("rate", 1e-3, 1e-1, log=True)
    return described(hidden, dropout, rate, trial.suggest_float("decay", 1e-3, 1.0, log=True))


task = described()
