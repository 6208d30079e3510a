"""Multinomial logistic regression with an L2 penalty, fitted by LBFGS."""
import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(89)
x, y = load_wine(return_X_y=True)
perm = torch.randperm(len(y))
x, y = torch.tensor(x, dtype=torch.float32)[perm], torch.tensor(y)[perm]
x = (x - x[:130].mean(0)) / x[:130].std(0)
x_train, y_train, x_test, y_test = x[:130], y[:130], x[130:], y[130:]

model = nn.Linear(13, 3)
nn.init.zeros_(model.weight)
nn.init.zeros_(model.bias)
optimizer = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=10, history_size=10, line_search_fn="strong_wolfe")
criterion = nn.CrossEntropyLoss()


def closure():
    optimizer.zero_grad()
    loss = criterion(model(x_train), y_train) + 1e-2 * model.weight.pow(2).sum()
    loss.backward()
    return loss


for outer in range(8):
    loss = optimizer.step(closure)
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"round {outer} loss {loss.item():.5f} test accuracy {acc:.3f}")
