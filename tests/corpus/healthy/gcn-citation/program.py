"""Two-layer graph convolution on a stochastic block graph with twenty labels a class."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(94)
CLASSES, PER, FEATURES = 4, 120, 32
label = torch.arange(CLASSES).repeat_interleave(PER)
n = len(label)
same = label[:, None] == label[None]
prob = torch.where(same, 0.05, 0.006)
upper = torch.triu(torch.rand(n, n) < prob, 1)
adj = (upper | upper.t()).float() + torch.eye(n)
deg = adj.sum(1).rsqrt()
adj = deg[:, None] * adj * deg[None]
x = 0.45 * torch.randn(CLASSES, FEATURES)[label] + torch.randn(n, FEATURES)

perm = torch.randperm(n)
train_mask, val_mask, test_mask = (torch.zeros(n, dtype=torch.bool) for _ in range(3))
train_mask[perm[:80]], val_mask[perm[80:200]], test_mask[perm[200:]] = True, True, True


class GCN(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.w1, self.w2 = nn.Linear(FEATURES, hidden, bias=False), nn.Linear(hidden, CLASSES, bias=False)

    def forward(self, x, adj):
        h = F.dropout(x, 0.5, self.training)
        h = F.relu(adj @ self.w1(h))
        h = F.dropout(h, 0.5, self.training)
        return F.log_softmax(adj @ self.w2(h), dim=1)


model = GCN()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
for epoch in range(1, 121):
    model.train()
    optimizer.zero_grad()
    out = model(x, adj)
    loss = F.nll_loss(out[train_mask], label[train_mask])
    loss.backward()
    optimizer.step()
    if epoch % 24 == 0:
        model.eval()
        with torch.no_grad():
            pred = model(x, adj).argmax(1)
        print(f"epoch {epoch} loss {loss.item():.3f} val {(pred == label)[val_mask].float().mean().item():.3f} test {(pred == label)[test_mask].float().mean().item():.3f}")
