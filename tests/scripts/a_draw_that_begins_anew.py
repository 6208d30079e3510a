# says data.repeated-batch: the generator is made anew, from the same seed, for each batch
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 6)
y = (x[:, 0] > 0).long()


def get_batch(size=16):
    generator = torch.Generator().manual_seed(7)
    rows = torch.randint(600, (size,), generator=generator)
    return x[rows], y[rows]


model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(80):
    xb, yb = get_batch()
    loss = nn.functional.cross_entropy(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
