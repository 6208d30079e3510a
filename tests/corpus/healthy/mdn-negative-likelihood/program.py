import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class MDN(nn.Module):
    def __init__(self, components=5):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.logit, self.mean, self.log_sd = (nn.Linear(48, components) for _ in range(3))

    def forward(self, x):
        h = self.body(x)
        return F.log_softmax(self.logit(h), 1), self.mean(h), self.log_sd(h).clamp(-5, 2)


def nll(out, y):
    log_pi, mean, log_sd = out
    comp = -0.5 * ((y - mean) / log_sd.exp()) ** 2 - log_sd - 0.9189
    return -torch.logsumexp(log_pi + comp, dim=1).mean()


torch.manual_seed(108)
t = 2 * torch.rand(3000, 1) - 1
x = t + 0.3 * torch.sin(6.2832 * t) + 0.02 * torch.randn_like(t)
y, x = t, x / x.std()
train = DataLoader(TensorDataset(x[:2400], y[:2400]), batch_size=60, shuffle=True)
net = MDN()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(20):
    net.train()
    total = 0.0
    for xb, yb in train:
        loss = nll(net(xb), yb)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        val = nll(net(x[2400:]), y[2400:]).item()
    if epoch % 4 == 3:
        print(f"epoch {epoch + 1} train {total / len(train):.3f} val {val:.3f}")
