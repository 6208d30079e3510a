import torch
import torch.nn as nn
import torch.nn.functional as F

config = {
    "dim": 48,
    "patch": 4,
    "size": 16,
    "depth": 2,
    "heads": 4,
    "num_classes": 1000,
    "epochs": 7,
    "batch": 32,
    "lr": 1e-3,
}


def gratings(n, seed):
    """Five textures: horizontal, vertical, two diagonals, rings."""
    g = torch.Generator().manual_seed(seed)
    s = config["size"]
    y, x = torch.meshgrid(torch.arange(s) / s, torch.arange(s) / s, indexing="ij")
    bases = [x, y, x + y, x - y, ((x - 0.5) ** 2 + (y - 0.5) ** 2).sqrt() * 1.5]
    label = torch.randint(5, (n,), generator=g)
    freq = 2.5 + 2.0 * torch.rand(n, 1, 1, generator=g)
    phase = 6.28 * torch.rand(n, 1, 1, generator=g)
    img = torch.sin(6.28 * freq * torch.stack([bases[k] for k in label]) + phase)
    return (img + 0.9 * torch.randn(n, s, s, generator=g)).unsqueeze(1), label


class ViT(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        tokens = (cfg["size"] // cfg["patch"]) ** 2
        self.patch = nn.Conv2d(1, cfg["dim"], cfg["patch"], cfg["patch"])
        self.cls = nn.Parameter(torch.zeros(1, 1, cfg["dim"]))
        self.pos = nn.Parameter(0.02 * torch.randn(1, tokens + 1, cfg["dim"]))
        layer = nn.TransformerEncoderLayer(cfg["dim"], cfg["heads"], 2 * cfg["dim"], 0.1, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, cfg["depth"], enable_nested_tensor=False)
        self.norm = nn.LayerNorm(cfg["dim"])
        self.head = nn.Linear(cfg["dim"], cfg["num_classes"])

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        return self.head(self.norm(self.encoder(x)[:, 0]))


torch.manual_seed(2)
x_train, y_train = gratings(1000, 1)
x_val, y_val = gratings(300, 2)
model = ViT(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], weight_decay=0.01)
for epoch in range(config["epochs"]):
    model.train()
    losses = []
    for idx in torch.randperm(len(x_train)).split(config["batch"]):
        loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        out = model(x_val)
    print(f"epoch {epoch} first loss {losses[0]:.3f} mean {sum(losses) / len(losses):.3f} val {F.cross_entropy(out, y_val).item():.3f} acc {(out.argmax(1) == y_val).float().mean().item():.3f}")
