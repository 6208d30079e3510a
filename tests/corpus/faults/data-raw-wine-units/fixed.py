import torch
import torch.nn as nn
from sklearn.datasets import load_wine


class WineNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(13, 40), nn.Linear(40, 20), nn.Linear(20, 3)])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


def main():
    torch.manual_seed(70)
    x, y = load_wine(return_X_y=True)
    shuffled = torch.randperm(len(y))
    x, y = torch.tensor(x, dtype=torch.float32)[shuffled], torch.tensor(y)[shuffled]
    x = (x - x[:130].mean(0)) / x[:130].std(0)
    x_train, x_test = x[:130], x[130:]
    y_train, y_test = y[:130], y[130:]
    model = WineNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(1, 61):
        for idx in torch.randperm(130).split(13):
            optimizer.zero_grad()
            loss = criterion(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
        if epoch % 12 == 0:
            with torch.no_grad():
                out = model(x_test)
            print(f"epoch {epoch} loss {loss.item():.4f} test accuracy {(out.argmax(1) == y_test).float().mean().item():.3f}")


main()
