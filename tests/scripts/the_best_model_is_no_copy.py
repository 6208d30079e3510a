# says loop.aliased-checkpoint: an object that is called once an epoch keeps a second name of the model for the best one
import torch
from torch import nn


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.best_loss, self.waited, self.best_model = patience, float("inf"), 0, None

    def __call__(self, loss, model):
        if loss < self.best_loss:
            self.best_loss, self.waited = loss, 0
            self.best_model = model
        else:
            self.waited += 1
        return self.waited >= self.patience


torch.manual_seed(0)
x = torch.randn(300, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
stopper = EarlyStopping(patience=5)
for epoch in range(40):
    net.train()
    for rows in torch.randperm(200).split(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        loss = nn.functional.cross_entropy(net(x[200:]), y[200:]).item()
    if stopper(loss, net):
        break
with torch.no_grad():
    print((stopper.best_model(x[200:]).argmax(1) == y[200:]).float().mean())
