"""Learn to remove noise from synthetic textures, step-based training with a random crop sampler."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


def textures(n, size=24):
    gen = torch.Generator().manual_seed(11)
    yy, xx = torch.meshgrid(torch.linspace(0, 1, size), torch.linspace(0, 1, size), indexing="ij")
    angle, freq, phase = (torch.rand(n, 1, 1, generator=gen) * s for s in (3.14, 8.0, 6.28))
    waves = torch.sin(6.28 * (2 + freq) * (xx * torch.cos(angle) + yy * torch.sin(angle)) + phase)
    return waves.unsqueeze(1)


class Sampler:
    """Draws noisy/clean pairs from the training textures."""

    def __init__(self, images, batch_size, noise, seed):
        self.images, self.batch_size, self.noise, self.seed = images, batch_size, noise, seed

    def draw(self):
        gen = torch.Generator().manual_seed(self.seed)
        rows = torch.randint(len(self.images), (self.batch_size,), generator=gen)
        clean = self.images[rows]
        return clean + self.noise * torch.randn(clean.shape, generator=gen), clean


class Denoiser(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, 1, 3, padding=1))

    def forward(self, x):
        return x - self.body(x)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--noise", type=float, default=0.4)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    images = textures(700)
    sampler = Sampler(images[:600], args.batch_size, args.noise, args.seed)
    held_out = images[600:]
    noisy = held_out + args.noise * torch.randn(held_out.shape)
    net = Denoiser()
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    for step in range(1, args.steps + 1):
        x, y = sampler.draw()
        loss = F.mse_loss(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 75 == 0:
            net.eval()
            with torch.no_grad():
                val = F.mse_loss(net(noisy), held_out).item()
            net.train()
            print(f"step {step} train {loss.item():.4f} val {val:.4f}")


if __name__ == "__main__":
    main()
