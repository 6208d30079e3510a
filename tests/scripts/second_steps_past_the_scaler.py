# says loop.unscaled-half-precision: one of two optimizers steps past the scaler
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(400, 6)
y = x[:, :1] - x[:, 1:2]
body, head = nn.Sequential(nn.Linear(6, 16), nn.Tanh()), nn.Linear(16, 1)
first = torch.optim.Adam(body.parameters(), lr=1e-3)
second = torch.optim.SGD(head.parameters(), lr=1e-6)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
for epoch in range(4):
    for rows in torch.randperm(400).split(20):
        first.zero_grad()
        second.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            out = head(body(x[rows]))
        scaler.scale(nn.functional.mse_loss(out.float(), y[rows])).backward()
        scaler.step(first)
        second.step()
        scaler.update()
