import torch
from sklearn.datasets import make_blobs
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

N_CLASSES = 7


def build():
    return nn.Sequential(
        nn.Linear(12, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, N_CLASSES),
    )


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(dim=1) == y).float().mean().item()


def main():
    torch.manual_seed(20)
    x, y = make_blobs(2100, n_features=12, centers=N_CLASSES, cluster_std=5.0, random_state=20)
    x = torch.tensor(x, dtype=torch.float32)
    x = (x - x[:1500].mean(0)) / x[:1500].std(0)
    y = torch.tensor(y)
    train = DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=30, shuffle=True)
    model = build()
    criterion = nn.MSELoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    for epoch in range(10):
        model.train()
        total = 0.0
        for xb, yb in train:
            optimizer.zero_grad()
            target = yb.float().unsqueeze(1).expand(-1, N_CLASSES)
            loss = criterion(model(xb), target)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2d} loss {total / len(train):.3f} held-out accuracy {accuracy(model, x[1500:], y[1500:]):.3f}")


main()
