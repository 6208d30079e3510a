import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(98)


def discs(n, size=16):
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    c = 3 + (size - 6) * torch.rand(n, 2)
    r = 2 + 2 * torch.rand(n)
    mask = ((yy - c[:, 0, None, None]) ** 2 + (xx - c[:, 1, None, None]) ** 2 < r[:, None, None] ** 2).float().unsqueeze(1)
    return mask * (1 + torch.rand(n, 1, 1, 1)) + 0.7 * torch.randn(n, 1, size, size), mask


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.SiLU())


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.out = block(1, 12), block(12, 24), block(36, 12), nn.Conv2d(12, 1, 1)

    def forward(self, x):
        top = self.a(x)
        low = F.interpolate(self.b(F.max_pool2d(top, 2)), scale_factor=2, mode="nearest")
        return self.out(self.c(torch.cat([top, low], 1)))


def dice_bce(out, mask):
    p = torch.sigmoid(out)
    dice = 1 - (2 * (p * mask).sum((1, 2, 3)) + 1) / (p.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 1)
    return dice.mean() + F.binary_cross_entropy_with_logits(out, mask)


train = DataLoader(TensorDataset(*discs(240)), batch_size=2, shuffle=True)
x_val, m_val = discs(80)
net = UNet()
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(4):
    net.train()
    total = 0.0
    for x, m in train:
        opt.zero_grad()
        loss = dice_bce(net(x), m)
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        pred = net(x_val) > 0
    iou = (pred & (m_val > 0)).sum() / (pred | (m_val > 0)).sum()
    print(f"epoch {epoch} train {total / len(train):.3f} IoU {iou.item():.3f}")
