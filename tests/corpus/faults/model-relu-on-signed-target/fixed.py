"""Behaviour cloning of a two-joint controller: state of the arm in, torques out."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def make_mlp(sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def expert(state):
    q, dq, goal = state[:, :2], state[:, 2:4], state[:, 4:]
    gravity = np.stack([np.cos(q[:, 0]) + 0.5 * np.cos(q.sum(1)), 0.5 * np.cos(q.sum(1))], 1)
    return 1.5 * (goal - q) - 0.4 * dq + gravity


def main():
    rng = np.random.RandomState(5)
    torch.manual_seed(5)
    state = rng.uniform(-1.5, 1.5, (4000, 6))
    torque = expert(state) + rng.normal(0, 0.05, (4000, 2))
    torque /= torque.std(0)
    data = TensorDataset(*(torch.tensor(a, dtype=torch.float32) for a in (state, torque)))
    train, val = random_split(data, [3200, 800])
    loader = DataLoader(train, batch_size=64, shuffle=True)
    xv, yv = val[:]
    policy = make_mlp([6, 64, 64, 2])
    opt = torch.optim.Adam(policy.parameters(), lr=1e-3)
    for epoch in range(10):
        policy.train()
        for x, y in loader:
            loss = (policy(x) - y).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
        policy.eval()
        with torch.no_grad():
            err = (policy(xv) - yv).pow(2).mean().item()
        print(f"epoch {epoch + 1} train {loss.item():.4f} val mse {err:.4f}")


if __name__ == "__main__":
    main()
