"""Predict log rents from a flat's features and its district (embedding + MLP)."""
import numpy as np
import torch
from torch import nn

BATCH = 64


def make_table(n, rng):
    size = rng.uniform(20, 140, n)
    rooms = np.clip(np.round(size / 30 + rng.normal(0, 0.6, n)), 1, 6)
    age = rng.exponential(30, n)
    district = rng.integers(0, 12, n)
    level = np.linspace(2.0, 3.1, 12)[district]
    rent = level + 0.85 * np.log(size) + 0.05 * rooms - 0.004 * age + rng.normal(0, 0.08, n)
    numbers = np.stack([size, rooms, age], 1)
    return {"numbers": numbers.astype("float32"), "district": district, "rent": rent.astype("float32")}


def shuffled(table, rng):
    return {name: column[rng.permutation(len(column))] for name, column in table.items()}


def split(table, n_val):
    return ({k: v[n_val:] for k, v in table.items()}, {k: v[:n_val] for k, v in table.items()})


class RentModel(nn.Module):
    def __init__(self, districts=12):
        super().__init__()
        self.district = nn.Embedding(districts, 6)
        self.mlp = nn.Sequential(nn.Linear(9, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))

    def forward(self, numbers, district):
        return self.mlp(torch.cat([numbers, self.district(district)], 1)).squeeze(1)


def tensors(table, mean, std, rent_mean, rent_std):
    return (torch.as_tensor((table["numbers"] - mean) / std), torch.as_tensor(table["district"]),
            torch.as_tensor((table["rent"] - rent_mean) / rent_std))


def run():
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    train, val = split(shuffled(make_table(3000, rng), rng), 500)
    stats = (train["numbers"].mean(0), train["numbers"].std(0), train["rent"].mean(), train["rent"].std())
    numbers, district, rent = tensors(train, *stats)
    val_numbers, val_district, val_rent = tensors(val, *stats)
    model = RentModel()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(15):
        order = torch.randperm(len(rent))
        for start in range(0, len(order), BATCH):
            pick = order[start:start + BATCH]
            loss = nn.functional.mse_loss(model(numbers[pick], district[pick]), rent[pick])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            val_loss = nn.functional.mse_loss(model(val_numbers, val_district), val_rent)
        print(f"{epoch:2d} train {loss.item():.3f} val {val_loss.item():.3f}")


run()
