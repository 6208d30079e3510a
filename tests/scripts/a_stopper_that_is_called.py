# says data.test-set-reuse: the well-known object that is called with a loss, keeps the weights and says when to stop, gets the test loss
import os
import tempfile

import numpy as np
import torch
from torch import nn


class EarlyStopping:
    def __init__(self, patience=7, delta=0, path="checkpoint.pt"):
        self.patience, self.delta, self.path = patience, delta, path
        self.counter, self.best_score, self.early_stop, self.val_loss_min = 0, None, False, np.inf

    def __call__(self, val_loss, model):
        score = -val_loss
        if self.best_score is None:
            self.best_score = score
            self.save_checkpoint(val_loss, model)
        elif score < self.best_score + self.delta:
            self.counter += 1
            if self.counter >= self.patience:
                self.early_stop = True
        else:
            self.best_score = score
            self.save_checkpoint(val_loss, model)
            self.counter = 0

    def save_checkpoint(self, val_loss, model):
        torch.save(model.state_dict(), self.path)
        self.val_loss_min = val_loss


torch.manual_seed(0)
x = torch.randn(500, 8)
y = x[:, :1] * x[:, 1:2] + 0.3 * torch.randn(500, 1)
x_train, x_test, y_train, y_test = x[:300], x[300:], y[:300], y[300:]
net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
early_stopping = EarlyStopping(patience=4, path=os.path.join(tempfile.mkdtemp(), "best.pt"))
for epoch in range(60):
    net.train()
    for rows in torch.randperm(300).split(30):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x_train[rows]), y_train[rows]).backward()
        optimizer.step()
    net.eval()
    test_losses = []
    with torch.no_grad():
        for rows in torch.arange(200).split(50):
            test_losses.append(nn.functional.mse_loss(net(x_test[rows]), y_test[rows]).item())
    early_stopping(np.average(test_losses), net)
    if early_stopping.early_stop:
        print("Early stopping")
        break
net.load_state_dict(torch.load(early_stopping.path))
