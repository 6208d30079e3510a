"""Random Fourier features stay fixed; a linear classifier is trained on top of them."""
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class FourierFeatures(nn.Module):
    def __init__(self, n_in, n_out, width):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(n_in, n_out) / width, requires_grad=False)
        self.phase = nn.Parameter(6.2832 * torch.rand(n_out), requires_grad=False)

    def forward(self, x):
        return 2 ** 0.5 * torch.cos(x @ self.weight + self.phase)


torch.manual_seed(80)
d = load_digits()
x = torch.tensor(d.data, dtype=torch.float32)
x = (x - x.mean()) / x.std()
y = torch.tensor(d.target)
perm = torch.randperm(len(y))
train = DataLoader(TensorDataset(x[perm[:1300]], y[perm[:1300]]), batch_size=50, shuffle=True)
x_test, y_test = x[perm[1300:]], y[perm[1300:]]

model = nn.Sequential(FourierFeatures(64, 400, 14.0), nn.Linear(400, 10))
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=2e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(8):
    for xb, yb in train:
        loss = criterion(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {acc:.3f}")
