# says nothing: train and test nodes of one graph are told apart in the answers, not in the inputs
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(300, 8)
y = (x[:, 0] > 0).long()
mixing = torch.eye(300) * 0.8 + torch.rand(300, 300).softmax(1) * 0.2
nodes = torch.randperm(300)
train, test = nodes[:200], nodes[200:]


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(8, 16), nn.Linear(16, 2)

    def forward(self, x):
        return mixing @ self.two(torch.relu(mixing @ self.one(x)))


model = Network()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(40):
    model.train()
    loss = nn.functional.cross_entropy(model(x)[train], y[train])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        test_accuracy = (model(x)[test].argmax(1) == y[test]).float().mean()
