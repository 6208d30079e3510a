# says nothing: in cross-validation each fold has a test part of its own; the best and the worst fold are told
import numpy as np
import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold
from torch import nn

torch.manual_seed(0)
data = load_iris()
features = torch.tensor((data.data - data.data.mean(0)) / data.data.std(0), dtype=torch.float32)
classes = torch.tensor(data.target)
scores = []
for train_index, test_index in StratifiedKFold(4, shuffle=True, random_state=0).split(data.data, data.target):
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for epoch in range(12):
        for rows in torch.tensor(train_index)[torch.randperm(len(train_index))].split(16):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(features[rows]), classes[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        scores.append((net(features[test_index]).argmax(1) == classes[test_index]).float().mean().item())
print(np.mean(scores), "best fold", int(np.argmax(scores)), "worst", min(scores))
