import torch
import torch.nn.functional as F
from sklearn.datasets import make_moons

torch.manual_seed(103)
x, y = make_moons(700, noise=0.15, random_state=103)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
x = (x - x[:500].mean(0)) / x[:500].std(0)
net = torch.nn.Sequential(torch.nn.Linear(2, 40), torch.nn.Tanh(), torch.nn.Linear(40, 40), torch.nn.Tanh(), torch.nn.Linear(40, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9)
for epoch in range(301):
    opt.zero_grad()
    loss = F.cross_entropy(net(x[:500]), y[:500])
    loss.backward()
    opt.step()
    if epoch % 60 == 0:
        with torch.no_grad():
            out = net(x[500:])
        print(f"epoch {epoch} loss {loss.item():.4f} val {F.cross_entropy(out, y[500:]).item():.4f} acc {(out.argmax(1) == y[500:]).float().mean().item():.3f}")
