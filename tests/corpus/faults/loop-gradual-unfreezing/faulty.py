import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(132)
UNFREEZE_AT = 3

data = load_digits()
images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 8 - 0.6
labels = torch.tensor(data.target)
order = torch.randperm(len(labels))
train, test = order[:1300], order[1300:]

body = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
)
pretext = nn.Sequential(body, nn.Linear(96, 4))
opt = torch.optim.Adam(pretext.parameters(), lr=1e-3)
for _ in range(2):
    for idx in train.split(50):
        k = torch.randint(4, (len(idx),))
        turned = torch.stack([images[i].rot90(int(r), (1, 2)) for i, r in zip(idx, k)])
        loss = F.cross_entropy(pretext(turned), k)
        opt.zero_grad()
        loss.backward()
        opt.step()
print(f"rotation pretext loss {loss.item():.3f}")

model = nn.Sequential(body, nn.Linear(96, 10))
for p in body.parameters():
    p.requires_grad_(False)
optimizer = torch.optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3)
for epoch in range(10):
    if epoch == UNFREEZE_AT:
        for p in body.parameters():
            p.requires_grad_(True)
    for idx in train[torch.randperm(len(train))].split(50):
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(images[test]).argmax(1) == labels[test]).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {acc:.3f}")
