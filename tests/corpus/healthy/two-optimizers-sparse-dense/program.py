import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(110)
CITIES, SHOPS = 60, 150


class Sales(nn.Module):
    def __init__(self):
        super().__init__()
        self.city, self.shop = nn.Embedding(CITIES, 6, sparse=True), nn.Embedding(SHOPS, 6, sparse=True)
        nn.init.normal_(self.city.weight, std=0.1)
        nn.init.normal_(self.shop.weight, std=0.1)
        self.mlp = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 1))

    def forward(self, city, shop, facts):
        return self.mlp(torch.cat([self.city(city), self.shop(shop), facts], 1)).squeeze(1)


a, b = torch.randn(CITIES), torch.randn(SHOPS)
city, shop, facts = torch.randint(CITIES, (6000,)), torch.randint(SHOPS, (6000,)), torch.randn(6000, 4)
y = a[city] + b[shop] * torch.tanh(facts[:, 0]) + 0.5 * facts[:, 1] + 0.2 * torch.randn(6000)
y = (y - y.mean()) / y.std()
loader = DataLoader(TensorDataset(city[:5000], shop[:5000], facts[:5000], y[:5000]), batch_size=100, shuffle=True)
model = Sales()
sparse = torch.optim.SparseAdam([model.city.weight, model.shop.weight], lr=0.01)
dense = torch.optim.Adam(model.mlp.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    total = 0.0
    for c, s, f, t in loader:
        sparse.zero_grad()
        dense.zero_grad()
        loss = nn.functional.mse_loss(model(c, s, f), t)
        loss.backward()
        sparse.step()
        dense.step()
        total += loss.item()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(city[5000:], shop[5000:], facts[5000:]), y[5000:]).item()
    print(f"epoch {epoch} train {total / len(loader):.3f} val {val:.3f}")
