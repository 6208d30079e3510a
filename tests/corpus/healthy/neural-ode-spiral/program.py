import torch
from torch import nn

torch.manual_seed(119)
A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
DT, STEPS = 0.05, 30


def rk4(f, y):
    k1 = f(y)
    k2 = f(y + 0.5 * DT * k1)
    k3 = f(y + 0.5 * DT * k2)
    k4 = f(y + DT * k3)
    return y + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def solve(f, y, steps=STEPS):
    path = [y]
    for _ in range(steps):
        path.append(rk4(f, path[-1]))
    return torch.stack(path)


truth = lambda y: (y ** 3) @ A.t()
field = nn.Sequential(nn.Linear(2, 40), nn.Tanh(), nn.Linear(40, 2))
opt = torch.optim.Adam(field.parameters(), lr=1e-2)
start = 1.6 * (torch.rand(64, 2) * 2 - 1)
with torch.no_grad():
    data = solve(truth, start)
    fresh = 1.6 * (torch.rand(40, 2) * 2 - 1)
    fresh_path = solve(truth, fresh)
for it in range(1, 161):
    t0 = torch.randint(0, STEPS - 8, ())
    pick = torch.randint(0, 64, (32,))
    path = solve(field, data[t0, pick], 8)
    loss = (path - data[t0:t0 + 9, pick]).abs().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 32 == 0:
        with torch.no_grad():
            err = (solve(field, fresh) - fresh_path).abs().mean().item()
        print(f"iteration {it} loss {loss.item():.4f} new trajectories {err:.4f}")
