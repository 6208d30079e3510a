# says model.random-evaluation: a dropout that is made anew in forward never hears of eval()
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(480, 10)
y = (x[:, 0] > 0).long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(10, 64)
        self.second = nn.Linear(64, 2)

    def forward(self, x):
        return self.second(nn.Dropout(0.5)(torch.relu(self.first(x))))


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    model.train()
    for rows in torch.randperm(400).split(40):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        print((model(x[400:]).argmax(1) == y[400:]).float().mean().item())
