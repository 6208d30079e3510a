"""Wine classification: prove that the network can learn by heart one batch, then train a fresh one."""
import torch
from sklearn.datasets import load_wine
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def build():
    return nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))


def overfit_one_batch(loader, steps=150):
    x, y = next(iter(loader))
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01, "the network cannot learn one batch by heart"
    print(f"one batch learned by heart: {loss.item():.5f}")


def train(loader, val_loader, epochs=15):
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-4)
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
        print(epoch, f"{loss.item():.3f}", right / len(val_loader.dataset))


def main():
    torch.manual_seed(0)
    x, y = load_wine(return_X_y=True)
    x = torch.tensor(x, dtype=torch.float32)
    train_rows, val_rows = random_split(range(len(y)), [138, 40])
    rows = list(train_rows)
    x = (x - x[rows].mean(0)) / x[rows].std(0)
    data = TensorDataset(x, torch.tensor(y))
    loader = DataLoader(torch.utils.data.Subset(data, rows), 16, shuffle=True)
    overfit_one_batch(loader)
    train(loader, DataLoader(torch.utils.data.Subset(data, list(val_rows)), 40))


if __name__ == "__main__":
    main()
