"""Regression with dropout; the uncertainty at test time comes from repeated passes with dropout switched on."""
import torch
import torch.nn as nn

torch.manual_seed(87)


def enable_dropout(model):
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.train()


def curve(n, low, high):
    x = low + (high - low) * torch.rand(n, 1)
    return x, torch.sin(2 * x) + 0.3 * x + 0.1 * torch.randn_like(x)


net = nn.Sequential(nn.Linear(1, 100), nn.ReLU(), nn.Dropout(0.1), nn.Linear(100, 100), nn.ReLU(), nn.Dropout(0.1), nn.Linear(100, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-5)
x, y = curve(800, -2.5, 2.5)
x_val, y_val = curve(200, -2.5, 2.5)
for epoch in range(40):
    net.train()
    for idx in torch.randperm(800).split(50):
        loss = (net(x[idx]) - y[idx]).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    if epoch % 10 == 9:
        net.eval()
        with torch.no_grad():
            plain = (net(x_val) - y_val).pow(2).mean().item()
        print(f"epoch {epoch + 1} train {loss.item():.4f} val mse {plain:.4f}")

net.eval()
enable_dropout(net)
with torch.no_grad():
    near = torch.stack([net(x_val) for _ in range(50)])
    far = torch.stack([net(torch.full((50, 1), 5.0)) for _ in range(50)])
print(f"MC mean mse {(near.mean(0) - y_val).pow(2).mean().item():.4f}, spread inside {near.std(0).mean().item():.3f}, outside {far.std(0).mean().item():.3f}")
