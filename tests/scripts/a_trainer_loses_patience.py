# says data.test-set-reuse: a class that trains counts the epochs since the test loss fell last, and returns when they are too many
import torch
from torch import nn


class Trainer:
    def __init__(self, model, data):
        self.model, self.data = model, data
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        self.best_loss, self.bad_epochs = float("inf"), 0

    def train_epoch(self):
        self.model.train()
        inputs, labels = self.data["train"]
        for rows in torch.randperm(len(inputs)).split(32):
            loss = nn.functional.cross_entropy(self.model(inputs[rows]), labels[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    @torch.no_grad()
    def test_epoch(self):
        self.model.eval()
        inputs, labels = self.data["test"]
        return nn.functional.cross_entropy(self.model(inputs), labels).item()

    def run(self, epochs, patience=3):
        for epoch in range(epochs):
            self.train_epoch()
            loss = self.test_epoch()
            if loss < self.best_loss - 1e-4:
                self.best_loss, self.bad_epochs = loss, 0
            else:
                self.bad_epochs += 1
            if self.bad_epochs >= patience:
                print(f"no progress any more, epoch {epoch}")
                return
        print("all epochs done")


torch.manual_seed(0)
x = torch.randn(500, 6)
y = (x[:, 0] > x[:, 1] * x[:, 2]).long()
Trainer(
    nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 2)),
    {"train": (x[:320], y[:320]), "test": (x[320:], y[320:])},
).run(40)
