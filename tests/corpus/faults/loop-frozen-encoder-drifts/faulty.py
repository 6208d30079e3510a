"""Two factories share one encoder. Factory A's head must go on working while a head for B is trained."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(133)


def factory(n, shift, gain):
    z = torch.randn(n, 10)
    y = (z[:, 0] * z[:, 1] > 0).long() + 2 * (z[:, 2] > 0).long()
    return z * gain + shift, y


def run_epoch(x, y, forward, opt):
    for idx in torch.randperm(len(x)).split(50):
        loss = F.cross_entropy(forward(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss.item()


@torch.no_grad()
def accuracy(encoder, head, x, y):
    encoder.eval(), head.eval()
    return (head(encoder(x)).argmax(1) == y).float().mean().item()


encoder = nn.Sequential(nn.Linear(10, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU())
head_a, head_b = nn.Linear(32, 4), nn.Linear(32, 4)
a_train, a_test = factory(2000, 0.0, 1.0), factory(500, 0.0, 1.0)
b_train, b_test = factory(1000, 1.2, 1.8), factory(500, 1.2, 1.8)

opt = torch.optim.Adam([*encoder.parameters(), *head_a.parameters()], lr=3e-3)
for epoch in range(8):
    encoder.train(), head_a.train()
    run_epoch(*a_train, lambda x: head_a(encoder(x)), opt)
print(f"A {accuracy(encoder, head_a, *a_test):.3f}")

encoder.requires_grad_(False)
opt = torch.optim.Adam(head_b.parameters(), lr=1e-2)
for epoch in range(6):
    encoder.train()
    head_b.train()
    loss = run_epoch(*b_train, lambda x: head_b(encoder(x)), opt)
    print(f"epoch {epoch} loss {loss:.3f} B {accuracy(encoder, head_b, *b_test):.3f} A {accuracy(encoder, head_a, *a_test):.3f}")
