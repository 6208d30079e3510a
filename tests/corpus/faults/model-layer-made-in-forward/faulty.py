import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn


class ResBlock(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.a = nn.Linear(n_in, n_out)
        self.b = nn.Linear(n_out, n_out)

    def forward(self, x):
        y = self.b(F.relu(self.a(x)))
        if x.size(1) != y.size(1):
            match = nn.Linear(x.size(1), y.size(1), bias=False)
            x = match(x)
        return F.relu(x + y)


torch.manual_seed(141)
d = load_digits()
x = torch.tensor(d.data, dtype=torch.float32)
x, y = (x - x.mean()) / x.std(), torch.tensor(d.target)
perm = torch.randperm(len(y))
tr, te = perm[:1300], perm[1300:]
net = nn.Sequential(ResBlock(64, 48), ResBlock(48, 24), nn.Linear(24, 10))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(10):
    net.train()
    losses = []
    for idx in tr[torch.randperm(len(tr))].split(32):
        loss = F.cross_entropy(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        acc = (net(x[te]).argmax(1) == y[te]).float().mean().item()
    print(f"epoch {epoch} loss {sum(losses) / len(losses):.3f} accuracy {acc:.3f}")
