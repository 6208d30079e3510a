"""Node classification in a planted-partition graph, full batch, mean aggregation by hand."""
import torch
from torch import nn
import torch.nn.functional as F


def planted_graph(n=600, classes=4, within=0.03, across=0.006):
    gen = torch.Generator().manual_seed(21)
    y = torch.randint(classes, (n,), generator=gen)
    p = torch.where(y[:, None] == y[None], within, across)
    upper = torch.triu(torch.rand(n, n, generator=gen) < p, 1)
    src, dst = (upper | upper.T).nonzero(as_tuple=True)
    x = F.one_hot(y, classes).float() @ torch.randn(classes, 24, generator=gen) * 0.5 + torch.randn(n, 24, generator=gen)
    return x, y, src, dst


def mean_of_neighbours(messages, dst, n):
    total = torch.zeros(n, messages.shape[1])
    count = torch.zeros(n).index_add_(0, dst, torch.ones(len(dst)))
    total.data.index_add_(0, dst, messages.data)
    return total / count.clamp(min=1)[:, None]


class Layer(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.message = nn.Sequential(nn.Linear(d_in, d_out), nn.ReLU(), nn.Linear(d_out, d_out))
        self.own = nn.Linear(d_in, d_out)

    def forward(self, h, src, dst):
        return self.own(h) + mean_of_neighbours(self.message(h[src]), dst, len(h))


class GraphNet(nn.Module):
    def __init__(self, d_in=24, d=32, classes=4):
        super().__init__()
        self.first, self.second = Layer(d_in, d), Layer(d, d)
        self.head = nn.Linear(d, classes)

    def forward(self, x, src, dst):
        h = F.relu(self.first(x, src, dst))
        h = F.relu(self.second(F.dropout(h, 0.3, self.training), src, dst))
        return self.head(h)


def main():
    torch.manual_seed(0)
    x, y, src, dst = planted_graph()
    known = torch.zeros(len(y), dtype=torch.bool)
    known[torch.randperm(len(y))[:200]] = True
    net = GraphNet()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, weight_decay=5e-4)
    for epoch in range(80):
        net.train()
        loss = F.cross_entropy(net(x, src, dst)[known], y[known])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if epoch % 20 == 19:
            net.eval()
            with torch.no_grad():
                guess = net(x, src, dst).argmax(1)
            print(f"{epoch} loss {loss.item():.3f} held-out accuracy {(guess == y)[~known].float().mean():.3f}")


if __name__ == "__main__":
    main()
