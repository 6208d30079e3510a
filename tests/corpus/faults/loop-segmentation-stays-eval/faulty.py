"""Segment bright blobs from a cluttered background with a little fully convolutional network."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def scenes(n, seed, size=24):
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:size, :size]
    images, masks = [], []
    for _ in range(n):
        img = rng.normal(0, 0.5, (size, size)) + rng.uniform(1, 4)
        mask = np.zeros((size, size), bool)
        for _ in range(rng.integers(1, 4)):
            cy, cx, r = *rng.uniform(3, size - 3, 2), rng.uniform(2, 4)
            blob = (yy - cy) ** 2 + (xx - cx) ** 2 < r * r
            mask |= blob
        img[mask] += rng.uniform(1.6, 2.6)
        col = rng.integers(0, size)
        img[:, col] += 1.5
        images.append(img)
        masks.append(mask)
    return torch.tensor(np.stack(images), dtype=torch.float32)[:, None], torch.tensor(np.stack(masks), dtype=torch.float32)[:, None]


def conv_bn(i, o, d=1):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=d, dilation=d, bias=False), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class FCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv_bn(1, 12), conv_bn(12, 16, 2), conv_bn(16, 16, 4), nn.Dropout2d(0.1))
        self.score = nn.Conv2d(16, 1, 1)

    def forward(self, x):
        return self.score(self.body(x))


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr):
        self.model, self.train_loader, self.val_loader = model, train_loader, val_loader
        self.optim = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.loss = nn.BCEWithLogitsLoss()

    def validate(self):
        self.model.eval()
        inter = union = total = 0.0
        with torch.no_grad():
            for image, mask in self.val_loader:
                out = self.model(image)
                total += self.loss(out, mask).item()
                pred = out > 0
                inter += (pred & (mask > 0)).sum().item()
                union += (pred | (mask > 0)).sum().item()
        return total / len(self.val_loader), inter / max(union, 1)

    def train_epoch(self):
        running = 0.0
        for image, mask in self.train_loader:
            self.optim.zero_grad()
            loss = self.loss(self.model(image), mask)
            loss.backward()
            self.optim.step()
            running += loss.item()
        return running / len(self.train_loader)

    def train(self, epochs):
        print("before training: val loss %.3f IoU %.3f" % self.validate())
        for epoch in range(epochs):
            loss = self.train_epoch()
            print(f"epoch {epoch}: train loss {loss:.3f} val loss %.3f IoU %.3f" % self.validate())


if __name__ == "__main__":
    torch.manual_seed(21)
    train = DataLoader(TensorDataset(*scenes(320, 1)), batch_size=16, shuffle=True)
    val = DataLoader(TensorDataset(*scenes(100, 2)), batch_size=50)
    Trainer(FCN(), train, val, lr=0.1).train(6)
