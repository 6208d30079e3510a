"""Hinge GAN with spectral normalisation over eight Gaussians; neither loss need fall."""
import argparse
import math

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


def ring(n):
    k = torch.randint(8, (n,)) * (2 * math.pi / 8)
    return torch.stack([k.cos(), k.sin()], 1) * 1.5 + 0.05 * torch.randn(n, 2)


def generator(z):
    return nn.Sequential(nn.Linear(z, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))


def critic():
    return nn.Sequential(spectral_norm(nn.Linear(2, 64)), nn.LeakyReLU(0.2), spectral_norm(nn.Linear(64, 64)), nn.LeakyReLU(0.2), nn.Linear(64, 1))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--z", type=int, default=8)
    p.add_argument("--batch", type=int, default=128)
    args = p.parse_args()
    torch.manual_seed(1)
    g, d = generator(args.z), critic()
    g_opt = torch.optim.Adam(g.parameters(), lr=5e-4, betas=(0.0, 0.9))
    d_opt = torch.optim.Adam(d.parameters(), lr=1e-3, betas=(0.0, 0.9))
    for step in range(1, args.steps + 1):
        for _ in range(2):
            real = ring(args.batch)
            fake = g(torch.randn(args.batch, args.z)).detach()
            d_loss = torch.relu(1 - d(real)).mean() + torch.relu(1 + d(fake)).mean()
            d_opt.zero_grad()
            d_loss.backward()
            d_opt.step()
        g_loss = -d(g(torch.randn(args.batch, args.z))).mean()
        g_opt.zero_grad()
        g_loss.backward()
        g_opt.step()
        if step % 100 == 0:
            with torch.no_grad():
                radius = g(torch.randn(500, args.z)).norm(dim=1)
            print(f"{step} d {d_loss.item():.3f} g {g_loss.item():.3f} radius {radius.mean():.2f} +- {radius.std():.2f}")


if __name__ == "__main__":
    main()
