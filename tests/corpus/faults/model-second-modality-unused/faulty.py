"""Digit picture plus a code that says what to do with it: name d, 9-d, d//2 or (d+3)%10."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, Dataset


class Fusion(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 64), nn.ReLU())
        self.meta = nn.Sequential(nn.Linear(4, 64), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(128, 96), nn.ReLU(), nn.Linear(96, 10))

    def forward(self, img, meta):
        a = self.image(img)
        b = self.meta(meta)
        fused = torch.cat([a, a], dim=1)
        return self.head(fused)


class Instructed(Dataset):
    def __init__(self, images, digits, seed):
        g = torch.Generator().manual_seed(seed)
        self.images = torch.tensor(images, dtype=torch.float32).unsqueeze(1) / 8 - 0.6
        d = torch.tensor(digits)
        self.op = torch.randint(4, d.shape, generator=g)
        options = torch.stack([d, 9 - d, d // 2, (d + 3) % 10], 1)
        self.answer = options.gather(1, self.op[:, None]).squeeze(1)

    def __len__(self):
        return len(self.answer)

    def __getitem__(self, i):
        return self.images[i], torch.eye(4)[self.op[i]], self.answer[i]


torch.manual_seed(26)
d = load_digits()
xa, xb, ya, yb = train_test_split(d.images, d.target, test_size=0.25, random_state=26)
train = DataLoader(Instructed(xa, ya, 1), batch_size=32, shuffle=True)
val = DataLoader(Instructed(xb, yb, 2), batch_size=150)
model = Fusion()
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(10):
    model.train()
    for img, meta, answer in train:
        opt.zero_grad()
        loss = loss_fn(model(img, meta), answer)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        hits = sum((model(i, m).argmax(1) == a).sum().item() for i, m, a in val)
    print(f"epoch {epoch} loss {loss.item():.3f} val accuracy {hits / len(yb):.3f}")
