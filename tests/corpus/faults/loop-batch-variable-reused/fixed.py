import torch
import torch.nn.functional as F
from sklearn.datasets import make_regression
from torch import nn

torch.manual_seed(134)
BATCH, STEPS = 32, 900
features, target = make_regression(460, 40, n_informative=12, noise=60.0, random_state=134)
features = torch.tensor(features, dtype=torch.float32)
target = torch.tensor(target / target.std(), dtype=torch.float32)[:, None]
train_x, val_x = features[:300], features[300:]
train_y, val_y = target[:300], target[300:]
net = nn.Sequential(nn.Linear(40, 100), nn.ReLU(), nn.Dropout(0.2), nn.Linear(100, 1))
opt = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.1)

for step in range(STEPS):
    pick = torch.randint(0, len(train_x), (BATCH,))
    x, y = train_x[pick], train_y[pick]
    if step % 3 == 0:
        net.eval()
        total = 0.0
        with torch.no_grad():
            for j in range(0, len(val_x), BATCH):
                xv, yv = val_x[j:j + BATCH], val_y[j:j + BATCH]
                total += F.mse_loss(net(xv), yv).item() * len(xv)
        if step % 150 == 0:
            print(f"step {step} val mse {total / len(val_x):.4f}")
        net.train()
    loss = F.mse_loss(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
net.eval()
with torch.no_grad():
    print(f"end: train mse {F.mse_loss(net(train_x), train_y).item():.4f} val mse {F.mse_loss(net(val_x), val_y).item():.4f}")
