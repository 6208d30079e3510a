# says nothing: the function that scores is called test and serves the validation data, which choose, and at last the test data
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(800, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
splits = TensorDataset(x[:400], y[:400]), TensorDataset(x[400:600], y[400:600]), TensorDataset(x[600:], y[600:])
train_dl, val_dl, test_dl = (DataLoader(part, 40, shuffle=number == 0) for number, part in enumerate(splits))
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)


def test(model, test_loader):
    model.eval()
    test_loss = 0.0
    with torch.no_grad():
        for inputs, targets in test_loader:
            test_loss += nn.functional.cross_entropy(model(inputs), targets, reduction="sum").item()
    return test_loss / len(test_loader.dataset)


best_loss, best_state = float("inf"), None
for epoch in range(8):
    net.train()
    for inputs, targets in train_dl:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), targets).backward()
        optimizer.step()
    loss = test(net, val_dl)
    if loss < best_loss:
        best_loss = loss
        best_state = {name: value.clone() for name, value in net.state_dict().items()}
net.load_state_dict(best_state)
print("test", test(net, test_dl))
