"""Tell three leaf outlines apart; rotations and noise augment the training images."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, Subset, random_split

SIZE = 20


def draw(kind, gen):
    yy, xx = torch.meshgrid(torch.linspace(-1, 1, SIZE), torch.linspace(-1, 1, SIZE), indexing="ij")
    r, a = torch.sqrt(xx ** 2 + yy ** 2), torch.atan2(yy, xx)
    radius = 0.55 + 0.08 * torch.randn(1, generator=gen) + 0.2 * torch.cos((2, 3, 5)[kind] * a)
    return (torch.sigmoid((radius - r) * 12) + 0.05 * torch.randn(SIZE, SIZE, generator=gen)).unsqueeze(0)


class Leaves(Dataset):
    def __init__(self, n, augment=False):
        gen = torch.Generator().manual_seed(8)
        self.kinds = torch.randint(3, (n,), generator=gen)
        self.images = torch.stack([draw(int(k), gen) for k in self.kinds])
        self.augment = augment

    def __len__(self):
        return len(self.kinds)

    def __getitem__(self, i):
        image = self.images[i]
        if self.augment:
            image = self.rotate(image, (torch.rand(1).item() - 0.5) * 2 * math.pi)
            image = image + 0.05 * torch.randn_like(image)
        return image, self.kinds[i]

    @staticmethod
    def rotate(image, angle):
        c, s = math.cos(angle), math.sin(angle)
        grid = F.affine_grid(torch.tensor([[[c, -s, 0.0], [s, c, 0.0]]]), (1, 1, SIZE, SIZE), align_corners=False)
        return F.grid_sample(image[None], grid, align_corners=False)[0]


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
                         nn.Flatten(), nn.Linear(128, 3))


def loaders(n=900):
    train, val = random_split(Leaves(n, augment=True), [n - 200, 200], generator=torch.Generator().manual_seed(0))
    val = Subset(Leaves(n), val.indices)
    return DataLoader(train, 50, shuffle=True), DataLoader(val, 100)


def main():
    torch.manual_seed(0)
    train_loader, val_loader = loaders()
    net = Net()
    opt = torch.optim.Adam(net.parameters(), 3e-3)
    for epoch in range(8):
        net.train()
        for x, y in train_loader:
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        net.eval()
        with torch.no_grad():
            hits = sum((net(x).argmax(1) == y).sum().item() for x, y in val_loader)
        print(f"epoch {epoch} loss {loss.item():.3f} val accuracy {hits / 200:.3f}")


if __name__ == "__main__":
    main()
