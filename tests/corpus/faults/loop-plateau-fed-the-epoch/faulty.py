import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class DenoisingAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 24))
        self.decoder = nn.Sequential(nn.ReLU(), nn.Linear(24, 96), nn.ReLU(), nn.Linear(96, 64))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main():
    torch.manual_seed(135)
    x = torch.tensor(load_digits().data, dtype=torch.float32) / 8 - 0.6
    x = x[torch.randperm(len(x))]
    loader = DataLoader(TensorDataset(x[:1400]), batch_size=40, shuffle=True)
    val = x[1400:]
    gen = torch.Generator().manual_seed(0)
    noisy_val = val + 0.3 * torch.randn(val.shape, generator=gen)
    model = DenoisingAE()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.2, patience=0)
    for epoch in range(16):
        model.train()
        total = 0.0
        for (clean,) in loader:
            loss = F.mse_loss(model(clean + 0.3 * torch.randn_like(clean)), clean)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            val_loss = F.mse_loss(model(noisy_val), val).item()
        scheduler.step(epoch)
        if epoch % 3 == 0:
            print(f"epoch {epoch} lr {optimizer.param_groups[0]['lr']:.1e} train {total / len(loader):.4f} val {val_loss:.4f}")


main()
