import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(115)
EXPERTS = 4


class SwitchLayer(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.router = nn.Linear(dim, EXPERTS)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim)) for _ in range(EXPERTS))

    def forward(self, x):
        gate = self.router(x).softmax(1)
        top, which = gate.max(1)
        out = torch.zeros_like(x)
        for k, expert in enumerate(self.experts):
            rows = (which == k).nonzero().squeeze(1)
            if len(rows):
                out = out.index_copy(0, rows, expert(x[rows]) * top[rows, None])
        share = F.one_hot(which, EXPERTS).float().mean(0)
        return x + out, EXPERTS * (share * gate.mean(0)).sum()


class MoE(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.inp, self.moe, self.out = nn.Linear(6, dim), SwitchLayer(dim, 48), nn.Linear(dim, 1)

    def forward(self, x):
        h, balance = self.moe(F.gelu(self.inp(x)))
        return self.out(h).squeeze(1), balance


def regimes(n):
    x = torch.randn(n, 6)
    kind = (x[:, 0] > 0).long() * 2 + (x[:, 1] > 0).long()
    fs = torch.stack([x[:, 2] * x[:, 3], torch.sin(2 * x[:, 4]), x[:, 5].abs(), x[:, 2] - x[:, 4]], 1)
    return x, fs.gather(1, kind[:, None]).squeeze(1) + 0.1 * torch.randn(n)


x, y = regimes(4000)
x_val, y_val = regimes(800)
model = MoE()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    model.train()
    total = 0.0
    for idx in torch.randperm(4000).split(80):
        pred, balance = model(x[idx])
        loss = F.mse_loss(pred, y[idx]) + 0.01 * balance
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        print(f"epoch {epoch} train {total / 50:.3f} val mse {F.mse_loss(model(x_val)[0], y_val).item():.3f}")
