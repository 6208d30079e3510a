"""CNN on digits with soft targets; training loss ends above validation loss, on purpose."""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


def mixup(x, y, rng, alpha=0.4):
    lam = float(rng.beta(alpha, alpha))
    other = torch.from_numpy(rng.permutation(len(y)))
    return lam * x + (1 - lam) * x[other], y, y[other], lam


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1), nn.GroupNorm(4, 24), nn.GELU(), nn.MaxPool2d(2),
                                      nn.Conv2d(24, 48, 3, padding=1), nn.GroupNorm(4, 48), nn.GELU(), nn.AdaptiveAvgPool2d(2))
        self.head = nn.Linear(192, 10)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    images, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16 - 0.3, dtype=torch.float32).view(-1, 1, 8, 8), torch.tensor(labels)
    order = torch.from_numpy(rng.permutation(len(y)))
    train, val = order[:1400], order[1400:]
    net = Net()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.MultiStepLR(opt, [6, 9], 0.2)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(11):
        net.train()
        for rows in train[torch.from_numpy(rng.permutation(len(train)))].split(50):
            mixed, a, b, lam = mixup(x[rows], y[rows], rng)
            out = net(mixed)
            loss = lam * criterion(out, a) + (1 - lam) * criterion(out, b)
            opt.zero_grad()
            loss.backward()
            opt.step()
        schedule.step()
        net.eval()
        with torch.no_grad():
            out = net(x[val])
        print(f"{epoch} train {loss.item():.3f} val {F.cross_entropy(out, y[val]):.3f} accuracy {(out.argmax(1) == y[val]).float().mean():.3f}")


main()
