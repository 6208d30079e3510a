# says data.test-set-reuse: the checkpoint that is kept is the one with the best accuracy on the test loader
import os
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
train_set, test_set = random_split(TensorDataset(x, y), [400, 200])
train_loader, test_loader = DataLoader(train_set, 20, shuffle=True), DataLoader(test_set, 100)


def evaluate(network, loader):
    network.eval()
    right = seen = 0
    with torch.no_grad():
        for inputs, labels in loader:
            right += (network(inputs).argmax(1) == labels).sum().item()
            seen += len(labels)
    return right / seen


net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
folder = tempfile.mkdtemp()
highest = 0.0
for epoch in range(8):
    net.train()
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
    score = evaluate(net, test_loader)
    print(epoch, score)
    if score >= highest:
        highest = score
        torch.save(net.state_dict(), os.path.join(folder, "net.pt"))
net.load_state_dict(torch.load(os.path.join(folder, "net.pt")))
print("result", evaluate(net, test_loader))
