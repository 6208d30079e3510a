"""A CNN is trained; after each epoch the share of the saliency that falls on the object is measured."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(84)


def crosses(n, size=12):
    img = 0.4 * torch.randn(n, 1, size, size)
    label = torch.randint(2, (n,))
    where = torch.randint(2, size - 2, (n, 2))
    mask = torch.zeros(n, 1, size, size)
    for k in range(n):
        r, c = where[k].tolist()
        offsets = [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)] if label[k] else [(0, 0), (-1, -1), (1, 1), (-1, 1), (1, -1)]
        for dr, dc in offsets:
            img[k, 0, r + dr, c + dc] += 2.5
        mask[k, 0, r - 1:r + 2, c - 1:c + 2] = 1
    return img, label, mask


net = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
    nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 2),
)
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
x, y, _ = crosses(1200)
x_val, y_val, mask_val = crosses(300)
for epoch in range(8):
    net.train()
    for idx in torch.randperm(1200).split(40):
        loss = F.cross_entropy(net(x[idx]), y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    net.eval()
    probe = x_val.clone().requires_grad_(True)
    out = net(probe)
    score = out.gather(1, y_val[:, None]).sum()
    saliency = torch.autograd.grad(score, probe)[0].abs()
    on_object = ((saliency * mask_val).sum() / saliency.sum()).item()
    print(f"epoch {epoch} val loss {F.cross_entropy(out, y_val).item():.3f} acc {(out.argmax(1) == y_val).float().mean().item():.3f} saliency on object {on_object:.3f}")
