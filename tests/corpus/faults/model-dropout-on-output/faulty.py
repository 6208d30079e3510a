from dataclasses import dataclass

import torch
import torch.nn as nn



@dataclass
class Cfg:
    lr: float = 3e-3
    dropout: float = 0.8
    batch: int = 40
    epochs: int = 15


class HousePrices(nn.Module):
    def __init__(self, n, cfg):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(n, 80),
            nn.ReLU(),
            nn.Linear(80, 40),
            nn.ReLU(),
            nn.Linear(40, 1),
            nn.Dropout(cfg.dropout),
        )

    def forward(self, x):
        return self.net(x)[:, 0]


cfg = Cfg()
torch.manual_seed(22)
gen = torch.Generator().manual_seed(22)
rooms = torch.randn(2000, 10, generator=gen)
price = rooms[:, 0] + 0.7 * rooms[:, 1] * rooms[:, 2] + torch.relu(rooms[:, 3]) - 0.5 * rooms[:, 4].abs() + 0.2 * torch.randn(2000, generator=gen)
price = (price - price.mean()) / price.std() + 1.0
tr, va = slice(0, 1600), slice(1600, 2000)
model = HousePrices(10, cfg)
optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
criterion = nn.MSELoss()
for epoch in range(cfg.epochs):
    model.train()
    running = 0.0
    for idx in torch.randperm(1600, generator=gen).split(cfg.batch):
        optimizer.zero_grad()
        loss = criterion(model(rooms[tr][idx]), price[tr][idx])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        val = criterion(model(rooms[va]), price[va]).item()
    if epoch % 3 == 2:
        print(f"epoch {epoch + 1:2d} train {running / 1600:.4f} val {val:.4f}")
