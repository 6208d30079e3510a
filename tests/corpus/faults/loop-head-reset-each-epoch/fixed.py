import torch
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(nn.Module):
    def __init__(self, n, k):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.head = nn.Linear(48, k)

    def forward(self, x):
        return self.head(self.body(x))


def train_one_epoch(model, loader, criterion, optimizer):
    model.train()
    running = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    return running / len(loader)


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


torch.manual_seed(137)
x, y = make_classification(2400, 25, n_informative=12, n_classes=8, n_clusters_per_class=1, class_sep=1.3, random_state=137)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
x = (x - x[:2000].mean(0)) / x[:2000].std(0)
loader = DataLoader(TensorDataset(x[:2000], y[:2000]), batch_size=50, shuffle=True)
model = Classifier(25, 8)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.5)
criterion = nn.CrossEntropyLoss()
for epoch in range(14):
    loss = train_one_epoch(model, loader, criterion, optimizer)
    if epoch % 2:
        print(f"epoch {epoch} loss {loss:.3f} accuracy {evaluate(model, x[2000:], y[2000:]):.3f}")
