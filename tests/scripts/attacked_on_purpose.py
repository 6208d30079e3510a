# says nothing: inputs of an attack are made by a gradient, and differ from the training inputs
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
x_train, y_train, x_val, y_val = x[:500], y[:500], x[500:], y[500:]
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)


def robust():
    points = x_val.clone().requires_grad_(True)
    slope = torch.autograd.grad(nn.functional.cross_entropy(model(points), y_val), points)[0]
    with torch.no_grad():
        return (model(x_val + 2.0 * slope.sign()).argmax(1) == y_val).float().mean().item()


for epoch in range(6):
    model.train()
    for rows in torch.randperm(500).split(20):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    print(epoch, robust())
