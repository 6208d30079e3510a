"""Learn the dynamics of a pendulum from random transitions."""
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class Dynamics(nn.Module):
    def __init__(self, n_state=3, n_action=1, hidden=64):
        super().__init__()
        self.fc1 = nn.Linear(n_state + n_action, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.delta = nn.Linear(hidden, n_state)

    def forward(self, state, action):
        h = torch.relu(self.fc2(torch.relu(self.fc1(torch.cat([state, action], dim=-1)))))
        return self.delta(h)


def transitions(n):
    theta = (2 * torch.rand(n) - 1) * math.pi
    speed = 4 * torch.randn(n).clamp(-2, 2)
    torque = 4 * torch.rand(n) - 2
    new_speed = (speed + (15 * torch.sin(theta) + 3 * torque - 0.5 * speed) * 0.1).clamp(-8, 8)
    new_theta = theta + 0.1 * new_speed
    state = torch.stack([theta.cos(), theta.sin(), speed / 4], 1)
    after = torch.stack([new_theta.cos(), new_theta.sin(), new_speed / 4], 1)
    delta = after - state
    return state, torque[:, None] / 2, delta


torch.manual_seed(10)
train, val = transitions(4000), transitions(1000)
scale = train[2].std(0)
loader = DataLoader(TensorDataset(*train), batch_size=64, shuffle=True)
model = Dynamics()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(8):
    total = 0.0
    for s, a, d in loader:
        loss = ((model(s, a) - d / scale) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    with torch.no_grad():
        err = ((model(val[0], val[1]) - val[2] / scale) ** 2).mean().item()
    print(f"epoch {epoch} train {total / len(loader):.4f} val {err:.4f}")
