# says data.test-set-reuse: a flag says whether the accuracy on the test loader is the best, and a function copies the file if so
import os
import shutil
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

folder = tempfile.mkdtemp()


class AverageMeter:
    def __init__(self):
        self.sum = self.count = self.avg = 0

    def update(self, val, n=1):
        self.sum += val * n
        self.count += n
        self.avg = self.sum / self.count


def save_checkpoint(state, is_best, filename="checkpoint.pth.tar"):
    path = os.path.join(folder, filename)
    torch.save(state, path)
    if is_best:
        shutil.copyfile(path, os.path.join(folder, "model_best.pth.tar"))


def accuracy(output, target):
    return (output.argmax(1) == target).float().mean().item() * 100


def validate(loader, model, criterion):
    losses, top1 = AverageMeter(), AverageMeter()
    model.eval()
    with torch.no_grad():
        for images, target in loader:
            output = model(images)
            losses.update(criterion(output, target).item(), images.size(0))
            top1.update(accuracy(output, target), images.size(0))
    return top1.avg


def main():
    torch.manual_seed(0)
    x = torch.randn(600, 10)
    y = (x[:, 0] * x[:, 1] > 0).long()
    train_loader = DataLoader(TensorDataset(x[:400], y[:400]), 20, shuffle=True)
    test_loader = DataLoader(TensorDataset(x[400:], y[400:]), 100)
    model, criterion = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2)), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    best_acc1 = 0
    for epoch in range(8):
        model.train()
        for images, target in train_loader:
            optimizer.zero_grad()
            criterion(model(images), target).backward()
            optimizer.step()
        acc1 = validate(test_loader, model, criterion)
        is_best = acc1 > best_acc1
        best_acc1 = max(acc1, best_acc1)
        save_checkpoint({"epoch": epoch + 1, "state_dict": model.state_dict(), "best_acc1": best_acc1}, is_best)


main()
