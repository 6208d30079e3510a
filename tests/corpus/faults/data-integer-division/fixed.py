import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset, Subset


class EightBit(Dataset):
    def __init__(self):
        d = load_digits()
        self.pictures = np.clip(d.images * 15.5 + 3, 0, 255).astype(np.uint8)
        self.labels = d.target

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        picture = torch.from_numpy(self.pictures[i] / 255).float().unsqueeze(0)
        return picture, self.labels[i]


torch.manual_seed(51)
everything = EightBit()
order = torch.randperm(len(everything)).tolist()
train = DataLoader(Subset(everything, order[:1400]), batch_size=35, shuffle=True)
test = DataLoader(Subset(everything, order[1400:]), batch_size=100)

cnn = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(2),
    nn.Flatten(), nn.Linear(128, 10),
)
opt = torch.optim.Adam(cnn.parameters(), lr=2e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(6):
    cnn.train()
    losses = []
    for picture, label in train:
        opt.zero_grad()
        loss = ce(cnn(picture), label)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    cnn.eval()
    with torch.no_grad():
        hits = sum((cnn(p).argmax(1) == t).sum().item() for p, t in test)
    print(f"epoch {epoch} loss {np.mean(losses):.3f} accuracy {hits / 397:.3f}")
