import copy
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split


@dataclass
class FitConfig:
    epochs: int = 140
    batch_size: int = 32
    lr: float = 2e-3
    patience: int = 100
    hidden: tuple = field(default=(128, 128))


class MLPRegressor:
    def __init__(self, n_in, cfg):
        self.cfg = cfg
        sizes = (n_in, *cfg.hidden)
        layers = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))
        self.best_state, self.best_loss = None, float("inf")

    def _epoch(self, x, y, optimizer):
        self.model.train()
        total = 0.0
        for idx in np.array_split(np.random.permutation(len(x)), len(x) // self.cfg.batch_size):
            loss = nn.functional.mse_loss(self.model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        return total / len(x)

    def evaluate(self, x, y):
        self.model.eval()
        with torch.no_grad():
            return nn.functional.mse_loss(self.model(x), y).item()

    def fit(self, x, y, x_val, y_val):
        optimizer = torch.optim.Adam(self.model.parameters(), lr=self.cfg.lr)
        waited = 0
        for epoch in range(self.cfg.epochs):
            train_loss = self._epoch(x, y, optimizer)
            val_loss = self.evaluate(x_val, y_val)
            if val_loss < self.best_loss:
                self.best_loss, waited = val_loss, 0
                self.best_state = copy.deepcopy(self.model.state_dict())
            else:
                waited += 1
                if waited > self.cfg.patience:
                    break
            if epoch % 20 == 19:
                print(f"epoch {epoch + 1}: train {train_loss:.3f} val {val_loss:.3f} best {self.best_loss:.3f}")
        self.model.load_state_dict(self.best_state)
        return self


if __name__ == "__main__":
    np.random.seed(0)
    torch.manual_seed(0)
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x, x_test, y, y_test = train_test_split(x, y, test_size=100, random_state=1)
    x, x_val, y, y_val = train_test_split(x, y, test_size=80, random_state=1)
    mx, sx, my, sy = x.mean(0), x.std(0), y.mean(), y.std()
    to = lambda a, m, s: torch.tensor((a - m) / s, dtype=torch.float32)
    x, x_val, x_test = (to(a, mx, sx) for a in (x, x_val, x_test))
    y, y_val, y_test = (to(a, my, sy)[:, None] for a in (y, y_val, y_test))
    reg = MLPRegressor(x.shape[1], FitConfig()).fit(x, y, x_val, y_val)
    print(f"restored: val mse {reg.evaluate(x_val, y_val):.3f} test mse {reg.evaluate(x_test, y_test):.3f}")
