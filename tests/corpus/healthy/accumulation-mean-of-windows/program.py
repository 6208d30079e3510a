import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


def main(accumulate=4, micro=11, epochs=8):
    torch.manual_seed(111)
    d = load_digits()
    x = torch.tensor(d.data, dtype=torch.float32)
    x, y = (x - x.mean()) / x.std(), torch.tensor(d.target)
    order = torch.randperm(len(y))
    loader = DataLoader(TensorDataset(x[order[:1300]], y[order[:1300]]), batch_size=micro, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 80), nn.LeakyReLU(0.1), nn.Linear(80, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    criterion = nn.CrossEntropyLoss()
    n = len(loader)
    for epoch in range(epochs):
        model.train()
        total = 0.0
        for i, (xb, yb) in enumerate(loader):
            window = min(accumulate, n - i // accumulate * accumulate)
            loss = criterion(model(xb), yb)
            (loss / window).backward()
            total += loss.item()
            if (i + 1) % accumulate == 0 or i + 1 == n:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            acc = (model(x[order[1300:]]).argmax(1) == y[order[1300:]]).float().mean().item()
        print(f"epoch {epoch} loss {total / n:.3f} accuracy {acc:.3f}")


main()
