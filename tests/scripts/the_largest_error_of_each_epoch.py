# says nothing: each epoch the worst error on the test data is found batch by batch, and printed
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.rand(600, 3) * 4 - 2
y = torch.sin(x.sum(1, keepdim=True)) + 0.1 * torch.randn(600, 1)
train_loader = DataLoader(TensorDataset(x[:400], y[:400]), 20, shuffle=True)
test_loader = DataLoader(TensorDataset(x[400:], y[400:]), 50)
net = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    net.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(net(inputs), targets).backward()
        optimizer.step()
    net.eval()
    max_error, best_error, batch_errors = 0.0, float("inf"), []
    with torch.no_grad():
        for inputs, targets in test_loader:
            errors = (net(inputs) - targets).abs()
            max_error = max(max_error, errors.max().item())
            best_error = min(best_error, errors.min().item())
            batch_errors.append(errors.mean().item())
            if errors.max().item() > 3:
                print("far off")
                break
    print(epoch, max_error, best_error, max(batch_errors), sum(batch_errors) / len(batch_errors))
