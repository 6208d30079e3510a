# says nothing: mean and scale are the two parts of one output; only the scale, which is positive, is taken the logarithm of
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(600, 1) * 4 - 2
y = torch.sin(2 * x) + 0.1 * x.abs() * torch.randn(600, 1)
model = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(40):
    for rows in torch.randperm(600).split(50):
        mean, raw = model(x[rows]).chunk(2, dim=1)
        likelihood = torch.distributions.Normal(mean, 0.02 + nn.functional.softplus(raw)).log_prob(y[rows])
        optimizer.zero_grad()
        (-likelihood.mean()).backward()
        optimizer.step()
    print(-likelihood.mean().item())
