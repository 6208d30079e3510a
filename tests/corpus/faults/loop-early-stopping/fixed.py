"""Predict disease progression from few noisy rows; the best weights of training are restored at the end."""
import torch
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from torch import nn


class EarlyStopping:
    def __init__(self, patience=15):
        self.patience, self.best, self.bad, self.weights = patience, float("inf"), 0, None

    def update(self, value, model):
        if value < self.best:
            self.best, self.bad = value, 0
            self.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        else:
            self.bad += 1
        return self.bad >= self.patience

    def restore(self, model):
        model.load_state_dict(self.weights)


def data():
    x, y = load_diabetes(return_X_y=True)
    x, x_test, y, y_test = train_test_split(x, y, test_size=100, random_state=0)
    x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=90, random_state=0)
    scale = x_train.std(0)
    mean, std = y_train.mean(), y_train.std()
    return [(torch.tensor(a / scale, dtype=torch.float32), torch.tensor((b - mean) / std, dtype=torch.float32)[:, None])
            for a, b in ((x_train, y_train), (x_val, y_val), (x_test, y_test))]


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        value = nn.functional.mse_loss(model(x), y).item()
    model.train()
    return value


def main():
    torch.manual_seed(3)
    train, val, test = data()
    model = nn.Sequential(nn.Linear(10, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    stopper = EarlyStopping()
    for epoch in range(200):
        for rows in torch.randperm(len(train[0])).split(32):
            loss = nn.functional.mse_loss(model(train[0][rows]), train[1][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if stopper.update(evaluate(model, *val), model):
            print(f"stopped after epoch {epoch}, best val {stopper.best:.3f}")
            break
    stopper.restore(model)
    print(f"val {evaluate(model, *val):.3f} test {evaluate(model, *test):.3f}")


if __name__ == "__main__":
    main()
