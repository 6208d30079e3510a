"""A neural Euler integrator: the final state of a driven system from its input signal."""
import torch
import torch.nn as nn


class Euler(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.drive = nn.Linear(2, dim)
        self.f = nn.Linear(dim, dim)
        nn.init.orthogonal_(self.f.weight)
        self.read = nn.Linear(dim, 2)
        self.dim = dim

    def forward(self, x):
        h = torch.zeros(len(x), self.dim)
        for t in range(x.size(1)):
            h = h + 0.1 * (self.f(h) + self.drive(x[:, t]))
        return self.read(h)


def simulate(n, steps=25):
    u = torch.randn(n, steps, 2)
    state = torch.zeros(n, 2)
    a = torch.tensor([[-0.05, 0.2], [-0.2, -0.05]])
    for t in range(steps):
        state = state + state @ a.t() + 0.2 * u[:, t]
    return u, state


torch.manual_seed(62)
u, target = simulate(1000)
u_val, target_val = simulate(200)
scale = target.std()
model = Euler()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(8):
    total = 0.0
    for idx in torch.randperm(1000).split(50):
        loss = ((model(u[idx]) - target[idx] / scale) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    with torch.no_grad():
        val = ((model(u_val) - target_val / scale) ** 2).mean().item()
    print(f"epoch {epoch} train {total / 20:.4g} val {val:.4g}")
