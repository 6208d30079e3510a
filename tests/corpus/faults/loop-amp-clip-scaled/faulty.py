import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_wine, make_friedman1

parser = argparse.ArgumentParser(description="mixed precision regression")
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--clip", type=float, default=1.0)
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--batch", type=int, default=64)
args = parser.parse_args()

torch.manual_seed(4)
x, y = make_friedman1(2400, n_features=10, noise=0.5, random_state=4)
x = torch.tensor(x, dtype=torch.float32) * 2 - 1
y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)
x_tr, x_va, y_tr, y_va = x[:2000], x[2000:], y[:2000], y[2000:]
mu, sd = y_tr.mean(), y_tr.std()
y_tr, y_va = (y_tr - mu) / sd, (y_va - mu) / sd

model = nn.Sequential(nn.Linear(10, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
scaler = torch.amp.GradScaler("cpu")


def validate():
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(x_va)
    return F.mse_loss(out.float(), y_va).item()


for epoch in range(args.epochs):
    model.train()
    seen, total = 0, 0.0
    for idx in torch.randperm(len(x_tr)).split(args.batch):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model(x_tr[idx])
        loss = F.mse_loss(out.float(), y_tr[idx])
        scaler.scale(loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        scaler.step(optimizer)
        scaler.update()
        total += loss.item() * len(idx)
        seen += len(idx)
    print(f"epoch {epoch + 1} train {total / seen:.4f} val {validate():.4f}")
