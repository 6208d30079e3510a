import torch
from sklearn.datasets import load_digits

g = torch.Generator().manual_seed(104)
d = load_digits()
x = torch.tensor(d.data, dtype=torch.float32) / 8 - 0.6
y = torch.tensor(d.target)
order = torch.randperm(len(y), generator=g)
x, y = x[order], y[order]
sizes = [64, 64, 10]
params, velocity = [], []
for a, b in zip(sizes, sizes[1:]):
    w = (torch.randn(a, b, generator=g) * (2 / a) ** 0.5).requires_grad_()
    c = torch.zeros(b, requires_grad=True)
    params += [w, c]
velocity = [torch.zeros_like(p) for p in params]


def net(x):
    h = torch.relu(x @ params[0] + params[1])
    return h @ params[2] + params[3]


def nll(logits, y):
    return -(logits - logits.logsumexp(1, keepdim=True)).gather(1, y[:, None]).mean()


lr, mu = 0.05, 0.9
for epoch in range(10):
    for i in range(0, 1400, 35):
        loss = nll(net(x[i:i + 35]), y[i:i + 35])
        loss.backward()
        with torch.no_grad():
            for p, v in zip(params, velocity):
                v.mul_(mu).add_(p.grad)
                p -= lr * v
                p.grad = None
    with torch.no_grad():
        out = net(x[1400:])
    print(f"epoch {epoch} loss {loss.item():.3f} val {nll(out, y[1400:]).item():.3f} acc {(out.argmax(1) == y[1400:]).float().mean().item():.3f}")
