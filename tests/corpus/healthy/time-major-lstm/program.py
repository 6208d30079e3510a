"""A time-major LSTM counts the pulses of two colours in a stream."""
import torch
import torch.nn as nn

torch.manual_seed(95)
T = 20


class PulseCounter(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(3, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        _, (h, _) = self.lstm(x)
        return self.out(h[-1])


def streams(n):
    kind = torch.randint(0, 6, (T, n))
    x = torch.stack([(kind == 1).float(), (kind == 2).float(), 0.2 * torch.randn(T, n)], 2)
    count = torch.stack([(kind == 1).sum(0), (kind == 2).sum(0)], 1).float()
    return x - torch.tensor([0.17, 0.17, 0.0]), (count - 3.3) / 1.7


x, y = streams(1500)
x_val, y_val = streams(300)
model = PulseCounter()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.SmoothL1Loss()
for epoch in range(10):
    model.train()
    losses = []
    for idx in torch.randperm(1500).split(30):
        optimizer.zero_grad()
        loss = criterion(model(x[:, idx]), y[idx])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        print(f"epoch {epoch} train {sum(losses) / len(losses):.4f} val {criterion(model(x_val), y_val).item():.4f}")
