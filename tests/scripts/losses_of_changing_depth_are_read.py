# says nothing: the graph of a longer sequence is deeper, and is gone once the loss was read
import torch
from torch import nn

torch.manual_seed(0)
cell, head = nn.GRUCell(3, 16), nn.Linear(16, 2)
optimizer = torch.optim.Adam([*cell.parameters(), *head.parameters()], lr=1e-2)
total = 0.0
for step in range(120):
    length = 3 + step % 12
    x = torch.randn(16, length, 3)
    y = (x.sum((1, 2)) > 0).long()
    state = torch.zeros(16, 16)
    for at in range(length):
        state = cell(x[:, at], state)
    loss = nn.functional.cross_entropy(head(state), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    total += loss.item()
