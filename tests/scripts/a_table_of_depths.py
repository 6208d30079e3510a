# says data.test-set-reuse: rows of a table, one a depth, of which the one with the least test error is taken
import torch
from torch import nn

torch.manual_seed(0)
points = torch.rand(420, 2) * 6 - 3
heights = torch.cos(points[:, :1]) * torch.sin(points[:, 1:])
parts = torch.randperm(420).split([280, 140])
train_points, train_heights = points[parts[0]], heights[parts[0]]
test_points, test_heights = points[parts[1]], heights[parts[1]]


def build(depth):
    layers = [nn.Linear(2, 32), nn.Tanh()]
    for _ in range(depth - 1):
        layers += [nn.Linear(32, 32), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(32, 1))


def rmse(model, inputs, targets):
    with torch.no_grad():
        return nn.functional.mse_loss(model(inputs), targets).sqrt().item()


rows = []
for depth in (1, 2, 3):
    model = build(depth)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(200):
        pick = torch.randint(280, (40,))
        loss = nn.functional.mse_loss(model(train_points[pick]), train_heights[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    rows.append(
        {
            "depth": depth,
            "train": rmse(model, train_points, train_heights),
            "test": rmse(model, test_points, test_heights),
        }
    )
best = min(rows, key=lambda row: row["test"])
print("best depth", best["depth"], best["test"])
