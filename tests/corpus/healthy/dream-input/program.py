"""Train a small classifier, fix it, and look for the image that each class likes best (activation maximisation)."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def train_classifier(x, y):
    net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(5):
        for rows in torch.randperm(len(y)).split(64):
            loss = F.cross_entropy(net(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, f"{loss.item():.3f}")
    return net


def total_variation(img):
    return (img[..., 1:] - img[..., :-1]).square().mean() + (img[..., 1:, :] - img[..., :-1, :]).square().mean()


def dream(net, classes, steps=120):
    net.eval().requires_grad_(False)
    canvas = torch.zeros(len(classes), 1, 8, 8, requires_grad=True)
    opt = torch.optim.Adam([canvas], lr=0.05)
    for step in range(steps):
        loss = F.cross_entropy(net(canvas), classes) + 0.5 * total_variation(canvas) + 0.05 * canvas.square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"canvas loss {loss.item():.4f}, recognised {(net(canvas).argmax(1) == classes).float().mean():.2f}")
    return canvas.detach()


def main():
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images / 16 - 0.3, dtype=torch.float32).view(-1, 1, 8, 8)
    net = train_classifier(x, torch.tensor(labels))
    dream(net, torch.arange(10))


main()
