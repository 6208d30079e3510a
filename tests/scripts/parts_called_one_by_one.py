# says nothing: what an encoder hands to a decoder moves as it learns, and is no data
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(500, 4) @ torch.randn(4, 12)
x = (x - x.mean(0)) / x.std(0)
x_train, x_val = x[:400], x[400:]
encoder = nn.Sequential(nn.Linear(12, 32), nn.ELU(), nn.Linear(32, 4))
decoder = nn.Sequential(nn.Linear(4, 32), nn.ELU(), nn.Linear(32, 12))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
for epoch in range(12):
    for rows in torch.randperm(400).split(20):
        loss = nn.functional.mse_loss(decoder(encoder(x_train[rows])), x_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        val_loss = nn.functional.mse_loss(decoder(encoder(x_val)), x_val)
