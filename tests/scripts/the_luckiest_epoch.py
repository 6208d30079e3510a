# says data.test-set-reuse: the result is the highest test accuracy of all epochs
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
train_loader = DataLoader(TensorDataset(x[:400], y[:400]), batch_size=20, shuffle=True)
test_loader = DataLoader(TensorDataset(x[400:], y[400:]), batch_size=50)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()


def train():
    model.train()
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        optimizer.step()


def test():
    model.eval()
    correct = 0
    with torch.no_grad():
        for inputs, targets in test_loader:
            predicted = model(inputs).max(1)[1]
            correct += predicted.eq(targets).sum().item()
    return 100.0 * correct / len(test_loader.dataset)


best_acc = 0
for epoch in range(8):
    train()
    acc = test()
    best_acc = max(best_acc, acc)
print(f"Accuracy: {best_acc:.1f} %")
