# says data.test-set-reuse: within the function that tests, the network is saved where its accuracy is the best so far
import os
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
best_acc = 0
folder = tempfile.mkdtemp()
x = torch.randn(600, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
trainset, testset = TensorDataset(x[:400], y[:400]), TensorDataset(x[400:], y[400:])
trainloader = DataLoader(trainset, batch_size=20, shuffle=True)
testloader = DataLoader(testset, batch_size=100, shuffle=False)
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8)


def train(epoch):
    net.train()
    for inputs, targets in trainloader:
        optimizer.zero_grad()
        criterion(net(inputs), targets).backward()
        optimizer.step()


def test(epoch):
    global best_acc
    net.eval()
    test_loss = correct = total = 0
    with torch.no_grad():
        for inputs, targets in testloader:
            outputs = net(inputs)
            test_loss += criterion(outputs, targets).item()
            _, predicted = outputs.max(1)
            total += targets.size(0)
            correct += predicted.eq(targets).sum().item()
    acc = 100.0 * correct / total
    if acc > best_acc:
        print("Saving..")
        torch.save({"net": net.state_dict(), "acc": acc, "epoch": epoch}, os.path.join(folder, "ckpt.pth"))
        best_acc = acc


for epoch in range(8):
    train(epoch)
    test(epoch)
    scheduler.step()
