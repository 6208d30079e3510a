# Count the ink of an 8x8 digit's halves: two targets, one small dense network.
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn, optim

np.random.seed(1)
torch.manual_seed(1)


def init(m, gain, bias):
    if isinstance(m, nn.Linear):
        nn.init.orthogonal_(m.weight, gain)
        nn.init.constant_(m.bias, bias)


images = load_digits().images[np.random.permutation(1797)] / 16.0
ink = np.stack([images[:, :4].sum((1, 2)) ** 2, np.abs(images[:, :, :4] - images[:, :, :3:-1]).sum((1, 2))], 1)
ink = (ink - ink[:1400].mean(0)) / ink[:1400].std(0)
x = torch.tensor((images - 0.3) / 0.37, dtype=torch.float32).flatten(1)
t = torch.tensor(ink, dtype=torch.float32)

model = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 2))
model.apply(lambda m: init(m, gain=2 ** 0.5, bias=0.0))
nn.init.zeros_(model[-1].bias)
mse = nn.MSELoss()
opt = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for epoch in range(15):
    losses = []
    for batch in np.array_split(np.random.permutation(1400), 44):
        loss = mse(model(x[batch]), t[batch])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    if epoch % 3 == 2:
        with torch.no_grad():
            val = mse(model(x[1400:]), t[1400:]).item()
        print(f"epoch {epoch + 1} train {np.mean(losses):.4f} val {val:.4f}")
