"""Three small regressors with dropout are trained side by side; their mean is the prediction."""
import numpy as np
import torch
from sklearn.datasets import make_friedman2
from torch import nn
from torch.nn import functional as F


def member(width=64, p=0.4):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Dropout(p), nn.Linear(width, width), nn.ReLU(), nn.Dropout(p), nn.Linear(width, 1))


class Ensemble(nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.members = nn.ModuleList(member() for _ in range(n))

    def weights(self):
        for m in self.members:
            yield from m.parameters()

    def forward(self, x):
        return torch.stack([m(x) for m in self.members])


def data(n, seed):
    x, y = make_friedman2(n_samples=n, noise=30.0, random_state=seed)
    return x.astype("float32"), y.astype("float32")[:, None]


def validate(model, x, y):
    model.eval()
    with torch.no_grad():
        mean = model(x).mean(0)
    return F.mse_loss(mean, y).item()


def main(epochs=20):
    torch.manual_seed(12)
    np.random.seed(12)
    x, y = data(1600, 0)
    x_val, y_val = data(400, 1)
    mu, sd, ym, ys = x.mean(0), x.std(0), y.mean(), y.std()
    x, x_val = (torch.from_numpy((a - mu) / sd) for a in (x, x_val))
    y, y_val = (torch.from_numpy((b - ym) / ys) for b in (y, y_val))
    model = Ensemble()
    optimizer = torch.optim.Adam(model.weights(), lr=2e-3)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for rows in torch.from_numpy(np.random.permutation(len(x))).split(64):
            predictions = model(x[rows])
            loss = F.mse_loss(predictions, y[rows].expand_as(predictions))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
        if epoch % 5 == 4:
            print(f"{epoch} train {total / 25:.4f} val {validate(model, x_val, y_val):.4f}")


if __name__ == "__main__":
    main()
