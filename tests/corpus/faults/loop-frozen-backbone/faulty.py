"""Pretrain on clean shapes, freeze the backbone, fit a head on few bright shapes; the backbone serves both tasks."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def shapes(n, seed, gain=1.0, bias=0.0):
    gen = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    kind = torch.randint(4, (n,), generator=gen)
    cx, cy, r = (torch.rand(n, 1, 1, generator=gen) * s + o for s, o in ((6, 5), (6, 5), (2, 3)))
    dx, dy = (xx - cx).abs(), (yy - cy).abs()
    masks = torch.stack([(dx ** 2 + dy ** 2 < r ** 2), (torch.maximum(dx, dy) < r), (dx + dy < r), ((dx < 1) | (dy < 1)) & (torch.maximum(dx, dy) < r)])
    image = masks[kind, torch.arange(n)].float()
    image = gain * (image + 0.25 * torch.randn(image.shape, generator=gen)) + bias
    return image[:, None], kind


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2))
        self.body = nn.Sequential(nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2))

    def forward(self, x):
        return self.body(self.stem(x)).flatten(1)


class Classifier(nn.Module):
    def __init__(self, backbone, classes):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(24 * 16, classes)

    def forward(self, x):
        return self.head(self.backbone(x))


class Finetuner(Classifier):
    """A classifier whose backbone stays as it is."""

    def __init__(self, backbone, classes):
        super().__init__(backbone, classes)
        for p in self.backbone.parameters():
            p.requires_grad = False


def fit(model, x, y, epochs, lr):
    opt = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=lr)
    for epoch in range(epochs):
        model.train()
        for rows in torch.randperm(len(y)).split(32):
            loss = F.cross_entropy(model(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
    return loss.item()


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(0)
    clean, clean_test = shapes(1200, 1), shapes(400, 2)
    first = Classifier(Backbone(), 4)
    fit(first, *clean, epochs=5, lr=2e-3)
    print(f"clean accuracy {accuracy(first, *clean_test):.3f}")
    bright, bright_test = shapes(300, 3, gain=2.0, bias=1.5), shapes(400, 4, gain=2.0, bias=1.5)
    second = Finetuner(first.backbone, 4)
    for _ in range(3):
        loss = fit(second, *bright, epochs=5, lr=3e-3)
        print(f"loss {loss:.3f} bright accuracy {accuracy(second, *bright_test):.3f}")
    print(f"clean accuracy with the shared backbone {accuracy(first, *clean_test):.3f}")


if __name__ == "__main__":
    main()
