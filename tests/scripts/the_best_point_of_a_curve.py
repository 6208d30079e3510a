# says data.test-set-reuse: of all thresholds on the curve of the test data the one with the best F1 is reported
import numpy as np
import torch
from sklearn.metrics import precision_recall_curve
from torch import nn

torch.manual_seed(0)
x = torch.randn(1200, 5)
y = (x[:, 0] - x[:, 1] + 0.7 * torch.randn(1200) > 1).float()
train_x, test_x, train_y, test_y = x[:800], x[800:], y[:800], y[800:]
net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(5):
    for rows in torch.randperm(800).split(40):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(train_x[rows])[:, 0], train_y[rows]).backward()
        optimizer.step()
net.eval()
with torch.no_grad():
    scores = torch.sigmoid(net(test_x)[:, 0]).numpy()
precision, recall, thresholds = precision_recall_curve(test_y.numpy(), scores)
f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
at = np.argmax(f1[:-1])
print(f"F1 {f1[at]:.3f} with threshold {thresholds[at]:.2f}")
