# says nothing: sequences of every length in every batch
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence
from torch.utils.data import DataLoader

torch.manual_seed(0)
data = []
for length in torch.randint(3, 30, (960,)).tolist():
    steps = torch.randn(length, 2) + 0.3
    data.append((steps, (steps.sum() + torch.randn(())) / 10 - 1))


def collate(batch):
    steps, total = zip(*batch, strict=True)
    return pack_sequence(steps, enforce_sorted=False), torch.stack(total)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(2, 16)
        self.out = nn.Linear(16, 1)

    def forward(self, steps):
        return self.out(self.gru(steps)[1][-1]).squeeze(1)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loader = DataLoader(data, batch_size=32, collate_fn=collate, shuffle=True)
for epoch in range(4):
    for steps, total in loader:
        loss = nn.functional.mse_loss(model(steps), total)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
