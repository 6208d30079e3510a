"""Functional style: parameters in a dictionary, no nn.Module."""
import torch
from sklearn.datasets import make_friedman1

gen = torch.Generator().manual_seed(27)


def init(n_in, n_hidden, n_out):
    w1 = 50.0 * torch.randn(n_in, n_hidden, generator=gen)
    w2 = torch.randn(n_hidden, n_hidden, generator=gen) / n_hidden ** 0.5
    w3 = torch.randn(n_hidden, n_out, generator=gen) / n_hidden ** 0.5
    params = {"w1": w1, "b1": torch.zeros(n_hidden), "w2": w2, "b2": torch.zeros(n_hidden), "w3": w3, "b3": torch.zeros(n_out)}
    return {k: v.requires_grad_() for k, v in params.items()}


def forward(p, x):
    h = torch.sigmoid(x @ p["w1"] + p["b1"])
    h = torch.sigmoid(h @ p["w2"] + p["b2"])
    return h @ p["w3"] + p["b3"]


def mse(p, x, y):
    return ((forward(p, x) - y) ** 2).mean()


def main():
    x, y = make_friedman1(2000, n_features=8, noise=0.3, random_state=27)
    x = torch.tensor(x, dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    y = torch.tensor(y, dtype=torch.float32)[:, None]
    y = (y - y.mean()) / y.std()
    x_tr, y_tr, x_va, y_va = x[:1600], y[:1600], x[1600:], y[1600:]
    params = init(8, 50, 1)
    optimizer = torch.optim.Adam(params.values(), lr=5e-3)
    for epoch in range(1, 31):
        for idx in torch.randperm(1600, generator=gen).split(64):
            optimizer.zero_grad()
            loss = mse(params, x_tr[idx], y_tr[idx])
            loss.backward()
            optimizer.step()
        if epoch % 6 == 0:
            with torch.no_grad():
                print(f"epoch {epoch} train {mse(params, x_tr, y_tr).item():.4f} val {mse(params, x_va, y_va).item():.4f}")


main()
