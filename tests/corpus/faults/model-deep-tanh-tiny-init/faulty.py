import torch
from sklearn.datasets import make_moons
from torch import nn


def init_weights(module):
    if isinstance(module, nn.Linear):
        torch.nn.init.normal_(module.weight, 0.0, 0.01)
        torch.nn.init.zeros_(module.bias)


def network(depth=8, width=32):
    layers = [nn.Linear(2, width), nn.Tanh()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), nn.Tanh()]
    net = nn.Sequential(*layers, nn.Linear(width, 2))
    return net.apply(init_weights)


torch.manual_seed(31)
x, y = make_moons(1500, noise=0.15, random_state=31)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
x = (x - x.mean(0)) / x.std(0)
x_val, y_val, x, y = x[1200:], y[1200:], x[:1200], y[:1200]

net = network()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(8):
    for idx in torch.randperm(1200).split(40):
        optimizer.zero_grad()
        loss = loss_fn(net(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        out = net(x_val)
    if epoch % 2 == 1:
        print(f"epoch {epoch + 1} loss {loss.item():.4f} val loss {loss_fn(out, y_val).item():.4f} val acc {(out.argmax(1) == y_val).float().mean().item():.3f}")
