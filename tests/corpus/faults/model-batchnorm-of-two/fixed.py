import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

CFG = {"batch": 24, "lr": 2e-3, "epochs": 12, "seed": 40}


class PooledNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 24, 3, padding=1)
        self.conv2 = nn.Conv2d(24, 32, 3, padding=1)
        self.fc = nn.Linear(128, 64)
        self.bn = nn.BatchNorm1d(64)
        self.fc2 = nn.Linear(64, 32)
        self.bn2 = nn.BatchNorm1d(32)
        self.out = nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        x = F.relu(self.bn(self.fc(x)))
        x = F.relu(self.bn2(self.fc2(x)))
        return self.out(x)


torch.manual_seed(CFG["seed"])
d = load_digits()
x = torch.tensor(d.images, dtype=torch.float32)[:, None] / 8 - 0.6
y = torch.tensor(d.target)
perm = torch.randperm(len(y))
tr, va = perm[:1000], perm[1000:]
net = PooledNet()
opt = torch.optim.Adam(net.parameters(), lr=CFG["lr"])
for epoch in range(CFG["epochs"]):
    net.train()
    total = n = 0
    for idx in tr[torch.randperm(len(tr))].split(CFG["batch"]):
        if len(idx) < 2:
            continue
        loss = F.cross_entropy(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total, n = total + loss.item(), n + 1
    net.eval()
    with torch.no_grad():
        out = net(x[va])
    print(f"epoch {epoch} train {total / n:.3f} val {F.cross_entropy(out, y[va]).item():.3f} acc {(out.argmax(1) == y[va]).float().mean().item():.3f}")
