import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler


def build_model(n):
    return nn.Sequential(nn.Linear(n, 24), nn.ReLU(), nn.Dropout(0.3), nn.Linear(24, 1))


def train_fold(x, y, epochs=10, batch=32):
    model = build_model(x.shape[1])
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    loss_fn = nn.BCEWithLogitsLoss()
    model.train()
    for _ in range(epochs):
        for idx in torch.randperm(len(x)).split(batch):
            loss = loss_fn(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


def main():
    torch.manual_seed(83)
    x, y = load_breast_cancer(return_X_y=True)
    scores = []
    for fold, (tr, va) in enumerate(StratifiedKFold(5, shuffle=True, random_state=83).split(x, y)):
        scaler = StandardScaler().fit(x[tr])
        xt, xv = (torch.tensor(scaler.transform(x[i]), dtype=torch.float32) for i in (tr, va))
        yt, yv = (torch.tensor(y[i], dtype=torch.float32)[:, None] for i in (tr, va))
        model = train_fold(xt, yt)
        model.eval()
        with torch.no_grad():
            scores.append(((model(xv) > 0) == (yv > 0.5)).float().mean().item())
        print(f"fold {fold}: accuracy {scores[-1]:.4f}")
    print(f"mean {np.mean(scores):.4f} sd {np.std(scores):.4f}")


main()
