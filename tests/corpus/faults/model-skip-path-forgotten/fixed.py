"""Denoise one-dimensional signals made of a slow wave and steps."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Denoiser(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.inp = nn.Conv1d(1, c, 5, padding=2)
        self.down1 = nn.Sequential(nn.Conv1d(c, c, 5, stride=2, padding=2), nn.ReLU())
        self.down2 = nn.Sequential(nn.Conv1d(c, c, 5, stride=4, padding=2), nn.ReLU(), nn.Conv1d(c, c, 9, padding=4), nn.ReLU())
        self.up = nn.Sequential(nn.Conv1d(2 * c, c, 3, padding=1), nn.ReLU(), nn.Conv1d(c, 1, 1))

    def forward(self, x):
        top = F.relu(self.inp(x))
        low = self.down1(top)
        deep = self.down2(low)
        u = F.interpolate(deep, size=x.shape[-1])
        return self.up(torch.cat([top, u], dim=1))


def signals(n, length=96):
    t = torch.arange(length) / length
    wave = torch.sin(6.28 * (1 + 2 * torch.rand(n, 1)) * t + 6.28 * torch.rand(n, 1))
    jump = (t > torch.rand(n, 1)).float() * torch.randn(n, 1)
    clean = (wave + jump)[:, None]
    return clean + 1.2 * torch.randn_like(clean), clean


torch.manual_seed(23)
noisy, clean = signals(1600)
noisy_val, clean_val = signals(300)
net = Denoiser()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 8)
for epoch in range(8):
    net.train()
    for idx in torch.randperm(len(noisy)).split(32):
        loss = F.mse_loss(net(noisy[idx]), clean[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    sched.step()
    net.eval()
    with torch.no_grad():
        print(f"epoch {epoch} train {loss.item():.4f} val {F.mse_loss(net(noisy_val), clean_val).item():.4f}")
