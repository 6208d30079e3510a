import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


class QuantLinear(nn.Linear):
    levels = 7

    def forward(self, x):
        scale = self.weight.detach().abs().amax() / self.levels
        w = RoundSTE.apply(self.weight / scale).clamp(-self.levels, self.levels) * scale
        return F.linear(x, w, self.bias)


torch.manual_seed(113)
d = load_digits()
x = torch.tensor(d.data, dtype=torch.float32) / 8 - 0.6
y = torch.tensor(d.target)
perm = torch.randperm(len(y))
tr, te = perm[:1350], perm[1350:]
net = nn.Sequential(QuantLinear(64, 96), nn.ReLU(), QuantLinear(96, 10))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(10):
    net.train()
    total = 0.0
    for idx in tr[torch.randperm(len(tr))].split(45):
        loss = F.cross_entropy(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        print(f"epoch {epoch} loss {total / 30:.3f} accuracy {(net(x[te]).argmax(1) == y[te]).float().mean().item():.3f}")
