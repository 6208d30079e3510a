import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

STEPS = 400
torch.manual_seed(53)

x, y = make_classification(3000, 30, n_informative=14, n_classes=5, n_clusters_per_class=1, class_sep=1.6, shuffle=True, random_state=53)
x = torch.tensor(x, dtype=torch.float32)
x = (x - x[:2400].mean(0)) / x[:2400].std(0)
y = torch.tensor(y)
train_set = TensorDataset(x[:2400], y[:2400])
loader = DataLoader(train_set, batch_size=48)
x_val, y_val = x[2400:], y[2400:]

net = nn.Sequential(nn.Linear(30, 64), nn.Mish(), nn.Linear(64, 64), nn.Mish(), nn.Linear(64, 5))
opt = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9, nesterov=True)
batches = (batch for _ in range(100) for batch in loader)
for step in range(1, STEPS + 1):
    x, y = next(batches)
    loss = F.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 80 == 0:
        with torch.no_grad():
            out = net(x_val)
        print(f"step {step} train {loss.item():.4f} val {F.cross_entropy(out, y_val).item():.4f} accuracy {(out.argmax(1) == y_val).float().mean().item():.3f}")
