import torch
from sklearn.datasets import make_classification
from torch import nn

WIDTH = 256
EPOCHS = 150
torch.manual_seed(66)

x, y = make_classification(3000, 20, n_informative=8, n_classes=3, flip_y=0.1, class_sep=1.0, n_clusters_per_class=1, random_state=66)
x = torch.tensor(x, dtype=torch.float32)
x = (x - x.mean(0)) / x.std(0)
y = torch.tensor(y)
x_val, y_val = x[2500:], y[2500:]
x_train, y_train = x[:60], y[:60]

net = nn.Sequential(nn.Linear(20, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 3))
opt = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(EPOCHS):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(x_train)).split(20):
        loss = loss_fn(net(x_train[idx]), y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    net.eval()
    with torch.no_grad():
        out = net(x_val)
        val = loss_fn(out, y_val).item()
    if (epoch + 1) % (EPOCHS // 5) == 0:
        print(f"epoch {epoch + 1} train {total / len(x_train):.4f} val {val:.4f} accuracy {(out.argmax(1) == y_val).float().mean().item():.3f}")
