"""GAN that learns eight Gaussians on a ring."""
import math

import torch
import torch.nn as nn

torch.manual_seed(3)

MODES, SPREAD = 8, 0.12
Z_DIM, BATCH = 8, 128


def sample_real(n):
    k = torch.randint(MODES, (n,)).float()
    centre = torch.stack([torch.cos(2 * math.pi * k / MODES), torch.sin(2 * math.pi * k / MODES)], dim=1)
    return 1.4 * centre + SPREAD * torch.randn(n, 2)


def block(i, o):
    return nn.Sequential(nn.Linear(i, o), nn.LeakyReLU(0.2))


G = nn.Sequential(block(Z_DIM, 64), block(64, 64), nn.Linear(64, 2))
D = nn.Sequential(block(2, 64), block(64, 64), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)


def covered():
    with torch.no_grad():
        x = G(torch.randn(2000, Z_DIM))
    angle = 2 * math.pi * torch.arange(MODES) / MODES
    centres = 1.4 * torch.stack([angle.cos(), angle.sin()], 1)
    dist, nearest = torch.cdist(x, centres).min(1)
    good = dist < 4 * SPREAD
    modes = len(set(nearest[good].tolist()))
    return good.float().mean().item(), modes


for epoch in range(10):
    for _ in range(110):
        real = sample_real(BATCH)
        fake = G(torch.randn(BATCH, Z_DIM))
        d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
        d_loss.backward()
        opt_d.step()

        g_loss = bce(D(fake), ones)
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
    share, modes = covered()
    print(f"epoch {epoch}: D {d_loss.item():.3f} G {g_loss.item():.3f} near a mode {share:.3f} modes {modes}")
