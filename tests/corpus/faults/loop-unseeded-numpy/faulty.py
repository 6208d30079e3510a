"""Breast cancer screening with a small network. The seed makes the run repeatable."""
import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

SEED = 2024
torch.manual_seed(SEED)

raw = load_breast_cancer()
order = np.random.permutation(len(raw.target))
x_all = raw.data[order]
y_all = raw.target[order]
n_train = 400
mean, std = x_all[:n_train].mean(0), x_all[:n_train].std(0)
x_all = torch.tensor((x_all - mean) / std, dtype=torch.float32)
y_all = torch.tensor(y_all, dtype=torch.float32)
x, y = x_all[:n_train], y_all[:n_train]
x_test, y_test = x_all[n_train:], y_all[n_train:]

net = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_fn = nn.BCEWithLogitsLoss()


def jitter(a):
    return a + torch.from_numpy(np.random.normal(0, 0.05, a.shape).astype("float32"))


for epoch in range(15):
    net.train()
    for idx in np.array_split(np.random.permutation(len(x)), len(x) // 20):
        logit = net(jitter(x[idx])).squeeze(1)
        loss = loss_fn(logit, y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 5 == 4:
        net.eval()
        with torch.no_grad():
            out = net(x_test).squeeze(1)
        print(f"epoch {epoch + 1}: test loss {loss_fn(out, y_test).item():.4f} accuracy {((out > 0) == (y_test > 0.5)).float().mean().item():.4f}")
