# says nothing: each seed has a network, an optimizer and a schedule of its own, over all of its own steps
import torch
from torch import nn

generator = torch.Generator().manual_seed(0)
x = torch.randn(600, 10, generator=generator)
y = (x[:, :3].sum(1) + 0.5 * torch.randn(600, generator=generator) > 0).long()
held_out_x, held_out_y = x[480:], y[480:]
x, y = x[:480], y[:480]

for seed in range(4):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8 * 15)
    for epoch in range(8):
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
    model.eval()
    with torch.no_grad():
        print(seed, (model(held_out_x).argmax(1) == held_out_y).float().mean().item())
