import torch
import torch.nn as nn
import torch.nn.functional as F


class EdgeNet(nn.Module):
    """Marks the pixels on the rim of noisy discs."""

    def __init__(self, ch=12):
        super().__init__()
        self.conv1 = nn.Conv2d(1, ch, 3, padding=1)
        self.conv2 = nn.Conv2d(ch, ch, 3, padding=1)
        self.norm = nn.GroupNorm(3, ch)
        self.conv3 = nn.Conv2d(ch, ch, 3, padding=1)
        self.out = nn.Conv2d(ch, 1, 1)
        self.act = nn.ReLU()

    def forward(self, x):
        x = self.norm(self.conv2(self.conv1(x)))
        x = self.conv3(x)
        return self.out(x)


def rims(n, size=20):
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    c = 5 + (size - 10) * torch.rand(n, 2, 1, 1)
    r = 2.5 + 3 * torch.rand(n, 1, 1)
    dist = ((yy - c[:, 0]) ** 2 + (xx - c[:, 1]) ** 2).sqrt()
    sign = torch.where(torch.rand(n, 1, 1) < 0.5, 1.0, -1.0)
    image = sign * (dist < r).float() + 0.15 * torch.randn(n, size, size)
    return image.unsqueeze(1), ((dist - r).abs() < 0.7).float().unsqueeze(1)


torch.manual_seed(140)
x, m = rims(400)
xv, mv = rims(100)
net = EdgeNet()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(6):
    for idx in torch.randperm(400).split(16):
        loss = F.binary_cross_entropy_with_logits(net(x[idx]), m[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        p = net(xv) > 0
    f1 = 2 * (p & (mv > 0)).sum() / (p.sum() + (mv > 0).sum()).clamp_min(1)
    print(f"epoch {epoch} loss {loss.item():.4f} F1 {f1.item():.3f}")
