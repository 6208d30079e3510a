import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.metrics import average_precision_score
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(99)
x, y = make_classification(6000, 12, n_informative=8, weights=[0.96], flip_y=0.0, class_sep=1.4, random_state=99)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
x = (x - x[:4500].mean(0)) / x[:4500].std(0)
loader = DataLoader(TensorDataset(x[:4500], y[:4500]), batch_size=75, shuffle=True)
net = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))
pos_weight = (y[:4500] == 0).sum() / (y[:4500] == 1).sum()
loss_fn = nn.BCEWithLogitsLoss(pos_weight=pos_weight)
opt = torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-4)
for epoch in range(8):
    net.train()
    total = 0.0
    for xb, yb in loader:
        opt.zero_grad()
        loss = loss_fn(net(xb).squeeze(-1), yb)
        loss.backward()
        opt.step()
        total += loss.item()
    net.eval()
    with torch.no_grad():
        score = net(x[4500:]).squeeze(-1)
    print(f"epoch {epoch} loss {total / len(loader):.4f} average precision {average_precision_score(y[4500:], score):.3f}")
