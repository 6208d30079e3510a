# says nothing: the threshold is found on validation scores by the same helper that then scores the test data
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 5)
y = (x[:, 0] + 0.5 * x[:, 1] + 0.5 * torch.randn(1500) > 0.6).float()
x_train, x_val, x_test = x.split([900, 300, 300])
y_train, y_val, y_test = y.split([900, 300, 300])
net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(5):
    for rows in torch.randperm(900).split(45):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(x_train[rows]).squeeze(1), y_train[rows]).backward()
        optimizer.step()


def scores(inputs):
    net.eval()
    with torch.no_grad():
        return net(inputs).squeeze(1).sigmoid().numpy()


def f1(values, truth, threshold):
    called = values > threshold
    return 2 * (called & truth).sum() / (called.sum() + truth.sum())


grid = np.linspace(0.1, 0.9, 33)
found = [f1(scores(x_val), y_val.numpy() > 0.5, threshold) for threshold in grid]
best_threshold = grid[int(np.argmax(found))]
print(best_threshold, f1(scores(x_test), y_test.numpy() > 0.5, best_threshold))
