from collections import OrderedDict

import torch
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

UNFREEZE = ("encoder.block2", "head")


def dense(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, n_out), nn.LayerNorm(n_out), nn.GELU())


class TabularNet(nn.Module):
    def __init__(self, n_features, n_classes):
        super().__init__()
        self.encoder = nn.Sequential(OrderedDict(block1=dense(n_features, 96), block2=dense(96, 48)))
        self.head = nn.Linear(48, n_classes)

    def forward(self, x):
        return self.head(self.encoder(x))


def problem(seed, n_classes, n=2400):
    x, y = make_classification(n, 20, n_informative=12, n_redundant=4, n_classes=n_classes,
                               n_clusters_per_class=3, class_sep=1.4, random_state=seed)
    data = TensorDataset(torch.tensor(StandardScaler().fit_transform(x), dtype=torch.float32), torch.tensor(y))
    return random_split(data, [n - 600, 600], generator=torch.Generator().manual_seed(seed))


def train(model, train_set, test_set, lr, epochs):
    loader = DataLoader(train_set, batch_size=50, shuffle=True)
    test = DataLoader(test_set, batch_size=200)
    opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr, weight_decay=1e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for x, y in loader:
            opt.zero_grad(set_to_none=True)
            loss = loss_fn(model(x), y)
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            hits = sum((model(x).argmax(1) == y).sum().item() for x, y in test)
        print(f"  epoch {epoch + 1:2d} loss {loss.item():.3f} test accuracy {hits / len(test_set):.3f}")


def main():
    torch.manual_seed(2)
    model = TabularNet(20, 6)
    print("source task")
    train(model, *problem(7, 6), lr=2e-3, epochs=6)

    model.head = nn.Linear(48, 4)
    for name, param in model.named_parameters():
        param.requires_grad = name.startswith(UNFREEZE)
    print("target task")
    train(model, *problem(19, 4), lr=3e-3, epochs=14)


if __name__ == "__main__":
    main()
