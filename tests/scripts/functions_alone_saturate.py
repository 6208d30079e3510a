# says model.saturated-activations: a network without a module, whose first weights are fifty times too large
import torch

torch.manual_seed(0)
x = torch.randn(480, 8)
y = torch.sin(x[:, :1])
weights = [50 * torch.randn(8, 32), torch.zeros(32), torch.randn(32, 1) / 6, torch.zeros(1)]
weights = [weight.requires_grad_() for weight in weights]
optimizer = torch.optim.Adam(weights, lr=5e-3)
for epoch in range(8):
    for rows in torch.randperm(480).split(40):
        hidden = torch.sigmoid(x[rows] @ weights[0] + weights[1])
        loss = ((hidden @ weights[2] + weights[3] - y[rows]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
