# says nothing: one function scores training, validation and test nodes, and the validation nodes choose the epoch
import torch
from torch import nn

torch.manual_seed(0)
nodes = 300
labels = torch.arange(nodes) % 3
links = (torch.rand(nodes, nodes) < torch.where(labels[:, None] == labels, 0.06, 0.01)).float()
links = ((links + links.T) > 0).float() + torch.eye(nodes)
adjacency = links / links.sum(1, keepdim=True)
features = torch.randn(nodes, 16) + nn.functional.one_hot(labels, 16)
order = torch.randperm(nodes)
masks = {name: torch.zeros(nodes, dtype=torch.bool) for name in ("train", "val", "test")}
masks["train"][order[:100]] = masks["val"][order[100:180]] = masks["test"][order[180:]] = True


class GCN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 32), nn.Linear(32, 3)

    def forward(self, x, a):
        return self.second(a @ torch.relu(self.first(a @ x)))


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)


def train():
    model.train()
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(features, adjacency)[masks["train"]], labels[masks["train"]])
    loss.backward()
    optimizer.step()


@torch.no_grad()
def test():
    model.eval()
    out, accs = model(features, adjacency), []
    for mask in masks.values():
        accs.append((out[mask].argmax(1) == labels[mask]).float().mean().item())
    return accs


best_val_acc = test_acc = 0
for epoch in range(40):
    train()
    train_acc, val_acc, tmp_test_acc = test()
    if val_acc > best_val_acc:
        best_val_acc = val_acc
        test_acc = tmp_test_acc
print(best_val_acc, test_acc)
