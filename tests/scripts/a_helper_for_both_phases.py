# says nothing: the helper does not train on the validation data
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(640, 6)
y = (x[:, 0] > 0).long()
sets = {"train": TensorDataset(x[:480], y[:480]), "val": TensorDataset(x[480:], y[480:])}
loaders = {name: DataLoader(data, 32, shuffle=name == "train") for name, data in sets.items()}
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def run(split, training=True):
    model.train(training)
    torch.set_grad_enabled(training)
    total = 0.0
    for xb, yb in loaders[split]:
        loss = nn.functional.cross_entropy(model(xb), yb)
        if training:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        total += loss.item()
    return total / len(loaders[split])


for epoch in range(5):
    print(run("train"))
    print(run("val", training=False))
