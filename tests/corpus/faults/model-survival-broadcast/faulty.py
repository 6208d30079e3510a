"""Time-to-event regression with right censoring: Weibull likelihood with a learned common shape."""
import torch
import torch.nn as nn


class WeibullNet(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_features, 32), nn.ELU(), nn.Linear(32, 16), nn.ELU(), nn.Linear(16, 1))
        self.log_shape = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return self.body(x)


def weibull_nll(log_scale, log_shape, duration, event):
    k = log_shape.exp()
    log_t = torch.log(duration)
    z = k * (log_t - log_scale)
    log_hazard = log_shape - log_t + z
    return -(event * log_hazard - torch.exp(z)).mean()


def patients(n, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 9, generator=g)
    risk = 0.8 * x[:, 0] - 0.6 * x[:, 1] * x[:, 2] + 0.5 * torch.tanh(2 * x[:, 3])
    t = torch.exp(-risk) * (-torch.log(torch.rand(n, generator=g).clamp_min(1e-4))) ** (1 / 1.5)
    c = 3.0 * torch.rand(n, generator=g) + 0.1
    return x, torch.minimum(t, c).clamp_min(1e-3), (t <= c).float()


def concordance(score, duration, event):
    better = duration[:, None] < duration[None]
    pairs = better & (event[:, None] > 0)
    return ((score[:, None] < score[None]) & pairs).sum().item() / pairs.sum().item()


torch.manual_seed(44)
train, val = patients(1500, 1), patients(500, 2)
model = WeibullNet(9)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(16):
    model.train()
    for idx in torch.randperm(1500).split(50):
        x, duration, event = (t[idx] for t in train)
        log_scale = model(x)
        loss = weibull_nll(log_scale, model.log_shape, duration, event)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 3 == 0:
        model.eval()
        with torch.no_grad():
            s = model(val[0])
            print(f"epoch {epoch} val nll {weibull_nll(s, model.log_shape, *val[1:]).item():.3f} concordance {concordance(s.flatten(), *val[1:]):.3f}")
