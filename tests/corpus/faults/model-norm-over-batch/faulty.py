import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_classification
from torch.utils.data import DataLoader, TensorDataset


class GatedNet(nn.Module):
    """Each example chooses which of its features count."""

    def __init__(self, n, classes):
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(n, 32), nn.Tanh(), nn.Linear(32, n))
        self.body = nn.Sequential(nn.Linear(n, 64), nn.ReLU(), nn.Linear(64, classes))

    def forward(self, x):
        gate = torch.softmax(self.gate(x), dim=0) * x.size(0)
        return self.body(gate * x)


def evaluate(model, loader):
    model.eval()
    loss = hits = n = 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            hits += (out.argmax(1) == y).sum().item()
            n += len(y)
    return loss / n, hits / n


if __name__ == "__main__":
    torch.manual_seed(41)
    x, y = make_classification(2600, 16, n_informative=10, n_redundant=0, n_classes=3, n_clusters_per_class=2, class_sep=1.5, random_state=41)
    x = torch.tensor(x, dtype=torch.float32)
    x = (x - x[:2000].mean(0)) / x[:2000].std(0)
    y = torch.tensor(y)
    train = DataLoader(TensorDataset(x[:2000], y[:2000]), batch_size=40, shuffle=True)
    val = DataLoader(TensorDataset(x[2000:], y[2000:]), batch_size=4)
    model = GatedNet(16, 3)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(9):
        model.train()
        total = 0.0
        for xb, yb in train:
            loss = F.cross_entropy(model(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        val_loss, acc = evaluate(model, val)
        print(f"epoch {epoch} train {total / len(train):.3f} val {val_loss:.3f} acc {acc:.3f}")
