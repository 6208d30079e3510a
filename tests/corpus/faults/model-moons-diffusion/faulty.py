"""Denoising diffusion over two moons, epsilon prediction, EMA weights for sampling."""
import copy
import math

import torch
from torch import nn

STEPS = 50
BETAS = torch.linspace(1e-4, 0.15, STEPS)
ALPHA_BAR = torch.cumprod(1 - BETAS, 0)


def moons(n, gen):
    a = torch.rand(n, generator=gen) * math.pi
    upper = torch.rand(n, generator=gen) < 0.5
    x = torch.where(upper, torch.cos(a), 1 - torch.cos(a)) - 0.5
    y = torch.where(upper, torch.sin(a), 0.5 - torch.sin(a)) - 0.25
    return torch.stack([x, y], 1) * 1.4 + 0.06 * torch.randn(n, 2, generator=gen)


def sinusoids(t, d=16):
    freq = torch.exp(torch.arange(d // 2) * (-math.log(1000.0) / (d // 2)))
    angles = t[:, None].float() * freq
    return torch.cat([angles.sin(), angles.cos()], 1)


class ResBlock(nn.Module):
    def __init__(self, d, d_time):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.fc1, self.fc2 = nn.Linear(d, d), nn.Linear(d, d)
        self.scale_shift = nn.Linear(d_time, 2 * d)

    def forward(self, h, emb):
        scale, shift = self.scale_shift(emb).chunk(2, 1)
        z = self.norm(h) * (1 + scale) + shift
        z = nn.functional.silu(self.fc1(self.norm(h)))
        return h + self.fc2(z)


class EpsNet(nn.Module):
    def __init__(self, d=64, d_time=32, blocks=3):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(16, d_time), nn.SiLU(), nn.Linear(d_time, d_time))
        self.inp = nn.Linear(2, d)
        self.blocks = nn.ModuleList(ResBlock(d, d_time) for _ in range(blocks))
        self.out = nn.Linear(d, 2)

    def forward(self, x, t):
        emb, h = self.time(sinusoids(t)), self.inp(x)
        for block in self.blocks:
            h = block(h, emb)
        return self.out(h)


@torch.no_grad()
def ema_update(ema, model, decay=0.99):
    for a, b in zip(ema.parameters(), model.parameters()):
        a.lerp_(b, 1 - decay)


@torch.no_grad()
def sample(net, n):
    x = torch.randn(n, 2)
    for t in reversed(range(STEPS)):
        eps = net(x, torch.full((n,), t))
        x = (x - BETAS[t] / (1 - ALPHA_BAR[t]).sqrt() * eps) / (1 - BETAS[t]).sqrt()
        if t:
            x = x + BETAS[t].sqrt() * torch.randn_like(x)
    return x


def main(steps=600):
    torch.manual_seed(6)
    gen = torch.Generator().manual_seed(6)
    data = moons(4000, gen)
    net = EpsNet()
    ema = copy.deepcopy(net).requires_grad_(False)
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    running = []
    for step in range(1, steps + 1):
        x0 = data[torch.randint(len(data), (128,), generator=gen)]
        t = torch.randint(STEPS, (128,), generator=gen)
        eps = torch.randn(x0.shape, generator=gen)
        keep = ALPHA_BAR[t][:, None]
        loss = (net(keep.sqrt() * x0 + (1 - keep).sqrt() * eps, t) - eps).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        ema_update(ema, net)
        running.append(loss.item())
        if step % 150 == 0:
            gap = torch.cdist(sample(ema, 300), data).min(1).values.mean()
            print(f"{step} loss {sum(running[-150:]) / 150:.4f} distance of samples to data {gap:.4f}")


if __name__ == "__main__":
    main()
