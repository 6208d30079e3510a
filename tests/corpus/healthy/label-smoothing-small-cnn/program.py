import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 7
torch.manual_seed(91)
d = load_digits()
x = torch.tensor(d.images, dtype=torch.float32).unsqueeze(1) / 16
mean, std = x[:1350].mean(), x[:1350].std()
x, y = (x - mean) / std, torch.tensor(d.target)
idx = torch.randperm(len(y))
train = DataLoader(TensorDataset(x[idx[:1350]], y[idx[:1350]]), batch_size=45, shuffle=True)
val = DataLoader(TensorDataset(x[idx[1350:]], y[idx[1350:]]), batch_size=150)


class ConvNet(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1, groups=16, bias=False), nn.Conv2d(32, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.5), nn.Linear(128, 10))


net = ConvNet()
smooth, plain = nn.CrossEntropyLoss(label_smoothing=0.15), nn.CrossEntropyLoss()
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, EPOCHS * len(train))
for epoch in range(EPOCHS):
    net.train()
    total = 0.0
    for xb, yb in train:
        opt.zero_grad()
        loss = smooth(net(xb), yb)
        loss.backward()
        opt.step()
        sched.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        hits = sum((net(a).argmax(1) == b).sum().item() for a, b in val)
    print(f"epoch {epoch} smoothed loss {total / len(train):.3f} accuracy {hits / 447:.3f}")
