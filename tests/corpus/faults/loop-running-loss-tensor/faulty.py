"""Variational autoencoder on 8x8 digits."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader


class VAE(nn.Module):
    def __init__(self, latent=6):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 128), nn.ReLU())
        self.mu, self.logvar = nn.Linear(128, latent), nn.Linear(128, latent)
        self.dec = nn.Sequential(nn.Linear(latent, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar) if self.training else mu
        return self.dec(z), mu, logvar


def elbo(out, x, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(out, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (rec + kl) / len(x)


def train(model, loader, optimizer):
    model.train()
    running = 0
    for x in loader:
        optimizer.zero_grad()
        out, mu, logvar = model(x)
        loss = elbo(out, x, mu, logvar)
        loss.backward()
        optimizer.step()
        running = running + loss
    return running / len(loader)


def test(model, x):
    model.eval()
    with torch.no_grad():
        return elbo(model(x)[0], x, *model(x)[1:]).item()


torch.manual_seed(8)
x = torch.tensor(load_digits().data, dtype=torch.float32) / 16
x = x[torch.randperm(len(x))]
loader = DataLoader(x[:1400], batch_size=20, shuffle=True)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
history = []
for epoch in range(14):
    history.append(train(model, loader, optimizer))
    print(f"epoch {epoch + 1:2d} train {history[-1]:.3f} held out {test(model, x[1400:]):.3f}")
