# says data.test-set-reuse: an object for early stopping, whose parameter is called val_loss, is given the loss on the test data
import torch
from torch import nn


class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.lowest, self.waited, self.over = patience, float("inf"), 0, False

    def update(self, val_loss):
        if val_loss < self.lowest:
            self.lowest, self.waited = val_loss, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.over = True


torch.manual_seed(0)
x = torch.randn(500, 8)
y = x[:, :1] * x[:, 1:2] + 0.3 * torch.randn(500, 1)
x_train, x_test, y_train, y_test = x[:300], x[300:], y[:300], y[300:]
net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
stopper = EarlyStopping(patience=4)
for epoch in range(60):
    net.train()
    for rows in torch.randperm(300).split(30):
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x_train[rows]), y_train[rows]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        test_loss = nn.functional.mse_loss(net(x_test), y_test).item()
    stopper.update(test_loss)
    if stopper.over:
        print("stopped after", epoch + 1, "epochs")
        break
