import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class MultiTask(nn.Module):
    def __init__(self, tasks, hidden=24):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, hidden), nn.ReLU())
        self.heads = {name: nn.Linear(hidden, n) for name, n in tasks.items()}

    def forward(self, x):
        h = self.trunk(x)
        return {name: head(h) for name, head in self.heads.items()}


def labels(digit):
    return {"digit": digit, "parity": digit % 2, "size": (digit > 4).long(), "mod3": digit % 3}


torch.manual_seed(16)
d = load_digits()
x = torch.tensor(d.data, dtype=torch.float32)
x = (x - x.mean()) / x.std()
digit = torch.tensor(d.target)
perm = torch.randperm(len(x))
train, held = TensorDataset(x[perm[:1300]], digit[perm[:1300]]), perm[1300:]
loader = DataLoader(train, batch_size=26, shuffle=True)

tasks = {"digit": 10, "parity": 2, "size": 2, "mod3": 3}
model = MultiTask(tasks)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(7):
    for xb, yb in loader:
        out, want = model(xb), labels(yb)
        loss = sum(F.cross_entropy(out[k], want[k]) for k in tasks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        out, want = model(x[held]), labels(digit[held])
    print(f"epoch {epoch} loss {loss.item():.3f} " + " ".join(f"{k} {(out[k].argmax(1) == want[k]).float().mean().item():.3f}" for k in tasks))
