"""Temperature of the Pacific's surface, a month ahead, from two years of months (statsmodels' bundled series, 1950 to 2010).

What is held out is later than what is trained on. Inputs and target are deviations from the usual of their month, by the first
30 years.
"""

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


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(MONTHS, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))


task = Task(
    network,
    nn.MSELoss(),
    TensorDataset(torch.tensor(inputs, dtype=torch.float32), torch.tensor(targets, dtype=torch.float32)),
    optimizer=lambda model: torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1),
    batch_size=16,
    times=range(len(inputs)),
)
