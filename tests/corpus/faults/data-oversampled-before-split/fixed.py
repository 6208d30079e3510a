"""Churn prediction: eight per cent of the customers leave."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score


def oversample(x, y, rng):
    rare = np.flatnonzero(y == 1)
    extra = rng.choice(rare, (y == 0).sum() - len(rare))
    return np.concatenate([x, x[extra]]), np.concatenate([y, y[extra]])


def load(seed):
    rng = np.random.default_rng(seed)
    x, y = make_classification(2000, 20, n_informative=6, weights=[0.92], flip_y=0.04, class_sep=0.7, random_state=seed)
    x = (x - x.mean(0)) / x.std(0)
    perm = rng.permutation(len(y))
    val, train = perm[:400], perm[400:]
    return oversample(x[train], y[train], rng), (x[val], y[val])


def tensors(pair):
    return torch.tensor(pair[0], dtype=torch.float32), torch.tensor(pair[1], dtype=torch.float32)


def main():
    torch.manual_seed(54)
    train, val = load(54)
    (x, y), (x_val, y_val) = tensors(train), tensors(val)
    net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    bce = nn.BCEWithLogitsLoss()
    for epoch in range(10):
        net.train()
        for idx in torch.randperm(len(x)).split(50):
            loss = bce(net(x[idx]).squeeze(1), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            score = net(x_val).squeeze(1)
        print(f"epoch {epoch + 1} val loss {bce(score, y_val).item():.4f} val AUC {roc_auc_score(y_val, score):.4f}")


main()
