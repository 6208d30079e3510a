"""Denoising autoencoder over synthetic spectra; the rate is set by hand from a counter."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def spectra(n, gen, bins=80):
    grid = torch.linspace(0, 1, bins)
    out = torch.zeros(n, bins)
    for _ in range(3):
        centre, width, height = (torch.rand(n, 1, generator=gen) for _ in range(3))
        out += (0.3 + height) * torch.exp(-((grid - centre) / (0.02 + 0.06 * width)) ** 2)
    return out


class Autoencoder(nn.Module):
    def __init__(self, bins=80, code=12):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(bins, 96), nn.ELU(), nn.Linear(96, code))
        self.decoder = nn.Sequential(nn.Linear(code, 96), nn.ELU(), nn.Linear(96, bins))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class Experiment:
    def __init__(self, lr=2e-3, decay=0.9, epochs=14):
        self.model = Autoencoder()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.lr, self.decay, self.epochs, self.count = lr, decay, epochs, 0

    def anneal(self):
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr * self.decay ** self.count
        self.count += 1

    def run(self, loader, val):
        for epoch in range(self.epochs):
            for (x,) in loader:
                self.anneal()
                loss = nn.functional.mse_loss(self.model(x + 0.05 * torch.randn_like(x)), x)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            with torch.no_grad():
                val_loss = nn.functional.mse_loss(self.model(val), val)
            print(f"epoch {epoch} train {loss.item():.5f} val {val_loss.item():.5f}")


if __name__ == "__main__":
    torch.manual_seed(9)
    gen = torch.Generator().manual_seed(9)
    Experiment().run(DataLoader(TensorDataset(spectra(1600, gen)), batch_size=50, shuffle=True), spectra(300, gen))
