"""Visual inspection features: find the defective parts."""
import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from sklearn.metrics import recall_score


class Inspector:
    def __init__(self, n_features, lr=1e-3):
        self.net = nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, 2))
        self.criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 30.0]))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=lr, weight_decay=1e-3)

    def train_epoch(self, x, y, batch=64):
        self.net.train()
        total = 0.0
        for idx in torch.randperm(len(x)).split(batch):
            self.optimizer.zero_grad()
            loss = self.criterion(self.net(x[idx]), y[idx])
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(idx)
        return total / len(x)

    def predict(self, x):
        self.net.eval()
        with torch.no_grad():
            return self.net(x).argmax(1)


def main():
    torch.manual_seed(56)
    x, y = make_classification(5000, 15, n_informative=5, n_redundant=2, weights=[0.97], flip_y=0.0, class_sep=0.5, n_clusters_per_class=2, random_state=56)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    x = (x - x[:4000].mean(0)) / x[:4000].std(0)
    inspector = Inspector(15)
    for epoch in range(8):
        loss = inspector.train_epoch(x[:4000], y[:4000])
        guess = inspector.predict(x[4000:])
        accuracy = (guess == y[4000:]).float().mean().item()
        print(f"epoch {epoch + 1} loss {loss:.4f} accuracy {accuracy:.3f} defects found {recall_score(y[4000:], guess):.3f}")


if __name__ == "__main__":
    main()
