import copy

import torch
from sklearn.datasets import load_diabetes
from torch import nn

torch.manual_seed(102)
x, y = load_diabetes(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)[:, None]
perm = torch.randperm(len(y))
tr, va, te = perm[:300], perm[300:370], perm[370:]
x = (x - x[tr].mean(0)) / x[tr].std(0)
y = (y - y[tr].mean()) / y[tr].std()
net = nn.Sequential(nn.Linear(10, 32), nn.ELU(), nn.Dropout(0.2), nn.Linear(32, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3, weight_decay=1e-3)
loss_fn = nn.MSELoss()
best, best_state, waited = float("inf"), None, 0
for epoch in range(80):
    net.train()
    for idx in tr[torch.randperm(len(tr))].split(30):
        loss = loss_fn(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        val = loss_fn(net(x[va]), y[va]).item()
    if val < best:
        best, best_state, waited = val, copy.deepcopy(net.state_dict()), 0
    else:
        waited += 1
    if waited == 12:
        break
net.load_state_dict(best_state)
with torch.no_grad():
    print(f"stopped after {epoch + 1} epochs, best val {best:.3f}, test {loss_fn(net(x[te]), y[te]).item():.3f}")
