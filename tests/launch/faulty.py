"""A small training program with one error in it, for tests that need something to be found."""

PROGRAM = """\
import sys
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(64, 8)
y = x[:, :3].argmax(1)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(12):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print('trained', *sys.argv[1:])
"""
NAME = "model.softmax-before-cross-entropy"
LINE = 7  # of the softmax
