# says nothing: a network without a module
import torch

torch.manual_seed(0)
x = torch.randn(480, 8)
y = torch.sin(x[:, :1])
weights = [torch.randn(8, 32) / 3, torch.zeros(32), torch.randn(32, 1) / 6, torch.zeros(1)]
weights = [weight.requires_grad_() for weight in weights]
optimizer = torch.optim.Adam(weights, lr=5e-3)
for epoch in range(8):
    for rows in torch.randperm(480).split(40):
        hidden = torch.sigmoid(x[rows] @ weights[0] + weights[1])
        loss = ((hidden @ weights[2] + weights[3] - y[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
