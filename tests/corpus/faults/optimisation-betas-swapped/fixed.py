import torch
import torch.nn as nn
from sklearn.datasets import make_swiss_roll


class RealNVP(nn.Module):
    """Normalising flow of affine couplings in two dimensions."""

    def __init__(self, couplings=4, hidden=32, lr=5e-3):
        super().__init__()
        self.lr = lr
        self.nets = nn.ModuleList(nn.Sequential(nn.Linear(1, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 2)) for _ in range(couplings))

    def log_prob(self, x):
        log_det = torch.zeros(len(x))
        a, b = x[:, :1], x[:, 1:]
        for net in self.nets:
            s, t = net(a).chunk(2, 1)
            s = torch.tanh(s)
            b = b * torch.exp(s) + t
            log_det = log_det + s[:, 0]
            a, b = b, a
        z = torch.cat([a, b], 1)
        return -0.5 * z.pow(2).sum(1) - 1.8379 + log_det

    def configure_optimizer(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr, betas=(0.9, 0.999))


def main():
    torch.manual_seed(65)
    roll, _ = make_swiss_roll(2500, noise=0.4, random_state=65)
    x = torch.tensor(roll[:, [0, 2]], dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    train, val = x[:2000], x[2000:]
    flow = RealNVP()
    optimizer = flow.configure_optimizer()
    for epoch in range(8):
        total = 0.0
        for idx in torch.randperm(2000).split(50):
            loss = -flow.log_prob(train[idx]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            print(f"epoch {epoch} train nll {total / 40:.3f} val nll {-flow.log_prob(val).mean().item():.3f}")


main()
