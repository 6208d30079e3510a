"""DCGAN for 8x8 digits."""
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

torch.manual_seed(82)
Z = 16


def weights_init(m):
    if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
        nn.init.normal_(m.weight, 0.0, 0.08)
        nn.init.zeros_(m.bias)


generator = nn.Sequential(
    nn.Linear(Z, 64 * 4), nn.Unflatten(1, (64, 2, 2)), nn.BatchNorm2d(64), nn.ReLU(True),
    nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(True),
    nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh(),
).apply(weights_init)
discriminator = nn.Sequential(
    nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2, True),
    nn.Conv2d(32, 64, 4, 2, 1), nn.LeakyReLU(0.2, True),
    nn.Flatten(), nn.Linear(256, 1),
).apply(weights_init)

images = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 8 - 1
loader = DataLoader(images, batch_size=64, shuffle=True, drop_last=True)
criterion = nn.BCEWithLogitsLoss()
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
fixed = torch.randn(500, Z)

for epoch in range(24):
    for real in loader:
        noise = torch.randn(len(real), Z)
        fake = generator(noise)
        opt_d.zero_grad()
        d_real = discriminator(real)
        d_fake = discriminator(fake.detach())
        loss_d = criterion(d_real, torch.full_like(d_real, 0.9)) + criterion(d_fake, torch.zeros_like(d_fake))
        loss_d.backward()
        opt_d.step()

        opt_g.zero_grad()
        out = discriminator(fake)
        loss_g = criterion(out, torch.ones_like(out))
        loss_g.backward()
        opt_g.step()
    generator.eval()
    with torch.no_grad():
        sample = generator(fixed)
    generator.train()
    gap = (sample.mean(0) - images.mean(0)).abs().mean().item()
    if epoch % 4 == 3:
        print(f"epoch {epoch} D {loss_d.item():.3f} G {loss_g.item():.3f} gap of the mean picture {gap:.3f} spread {sample.std(0).mean().item():.3f}")
