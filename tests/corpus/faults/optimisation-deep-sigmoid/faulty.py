import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

act = nn.Sigmoid
width, depth = 64, 4

torch.manual_seed(61)
digits = load_digits()
x = torch.tensor((digits.data - digits.data.mean()) / digits.data.std(), dtype=torch.float32)
y = torch.tensor(digits.target)
perm = np.random.RandomState(61).permutation(len(y))
train = DataLoader(TensorDataset(x[perm[:1400]], y[perm[:1400]]), batch_size=32, shuffle=True)
x_test, y_test = x[perm[1400:]], y[perm[1400:]]

layers = [nn.Linear(64, width), act()]
for _ in range(depth):
    layers += [nn.Linear(width, width), act()]
layers.append(nn.Linear(width, 10))
net = nn.Sequential(*layers)
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()

for epoch in range(8):
    net.train()
    total = 0.0
    for xb, yb in train:
        loss = criterion(net(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        acc = (net(x_test).argmax(1) == y_test).float().mean().item()
    if epoch % 2:
        print(f"epoch {epoch + 1} loss {total / len(train):.4f} test accuracy {acc:.3f}")
