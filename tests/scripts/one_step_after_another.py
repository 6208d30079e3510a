# says nothing: a series is forecast one step after another over the test part, once; the largest error is told
import torch
from torch import nn

torch.manual_seed(0)
series = torch.sin(torch.arange(900) * 0.13) + 0.5 * torch.sin(torch.arange(900) * 0.31) + 0.1 * torch.randn(900)
windows = series.unfold(0, 13, 1)
train_windows, test_windows = windows[:700], windows[720:]
net = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(700).split(35):
        batch = train_windows[rows]
        optimizer.zero_grad()
        nn.functional.mse_loss(net(batch[:, :-1]), batch[:, -1:]).backward()
        optimizer.step()
errors, largest, best_hit = [], 0.0, float("inf")
net.eval()
with torch.no_grad():
    for window in test_windows:
        error = abs(net(window[None, :-1]).item() - window[-1].item())
        errors.append(error)
        if error > largest:
            largest = error
        best_hit = min(best_hit, error)
print(sum(errors) / len(errors), largest, best_hit, max(errors))
