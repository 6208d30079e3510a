import torch
import torch.nn as nn
from sklearn.datasets import make_friedman2
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 12


def load(n=3000, seed=17):
    x, y = make_friedman2(n, noise=40.0, random_state=seed)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    x = (x - x[:2400].mean(0)) / x[:2400].std(0)
    y = (y - y[:2400].mean()) / y[:2400].std()
    return TensorDataset(x[:2400], y[:2400]), (x[2400:], y[2400:])


class ResMLP(nn.Module):
    def __init__(self, width=64, depth=3):
        super().__init__()
        self.inp = nn.Linear(4, width)
        self.blocks = nn.ModuleList(nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width)) for _ in range(depth))
        self.out = nn.Linear(width, 1)

    def forward(self, x):
        h = self.inp(x)
        for block in self.blocks:
            h = h + block(h)
        return self.out(h)[:, 0]


def main():
    torch.manual_seed(17)
    train_set, (x_val, y_val) = load()
    loader = DataLoader(train_set, batch_size=60, shuffle=True)
    model = ResMLP()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=EPOCHS * len(loader), div_factor=200.0)
    loss_fn = nn.MSELoss()
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            val = loss_fn(model(x_val), y_val).item()
        print(f"epoch {epoch + 1:2d} lr {scheduler.get_last_lr()[0]:.5f} train {total / len(loader):.4f} val {val:.4f}")


if __name__ == "__main__":
    main()
