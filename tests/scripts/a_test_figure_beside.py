# says nothing: the validation loss stops the training and keeps the weights; a test figure is printed beside it
import copy

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(700, 8)
y = x[:, :1] * x[:, 1:2] + 0.3 * torch.randn(700, 1)
x_train, x_val, x_test = x.split([400, 150, 150])
y_train, y_val, y_test = y.split([400, 150, 150])
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
criterion = nn.MSELoss()
best, state, waited, test_at_best = float("inf"), None, 0, None
for epoch in range(40):
    net.train()
    for rows in torch.randperm(400).split(20):
        optimizer.zero_grad()
        criterion(net(x_train[rows]), y_train[rows]).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        loss = criterion(net(x_val), y_val).item()
        test_loss = criterion(net(x_test), y_test).item()
    print(epoch, loss, test_loss)
    if loss < best:
        best, state, waited, test_at_best = loss, copy.deepcopy(net.state_dict()), 0, test_loss
    else:
        waited += 1
    if waited == 5:
        break
net.load_state_dict(state)
print("test loss of the best epoch", test_at_best)
