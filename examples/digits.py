"""Handwritten digits, read by a small network. It runs, the loss falls, and it is worse than it should be: why?

    seatrial run examples/digits.py
"""
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)

# ---- data: 1797 images of 8 x 8 pixels, values 0 to 16 ------------------
digits = load_digits()
x_rest, x_test, y_rest, y_test = train_test_split(
    digits.data, digits.target, test_size=300, random_state=0, stratify=digits.target)
x_train, x_val, y_train, y_val = train_test_split(
    x_rest, y_rest, test_size=300, random_state=0, stratify=y_rest)


def as_dataset(x, y):
    return TensorDataset(torch.tensor(x / 8.0 - 1.0, dtype=torch.float32), torch.tensor(y))


train = DataLoader(as_dataset(x_train, y_train), batch_size=32, shuffle=True)
val = DataLoader(as_dataset(x_val, y_val), batch_size=300)
test = DataLoader(as_dataset(x_test, y_test), batch_size=300)


# ---- network ------------------------------------------------------------
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 48)
        self.more = nn.Linear(48, 48)
        self.out = nn.Linear(48, 10)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = torch.relu(self.more(x))
        return torch.softmax(self.out(x), dim=1)


model = Reader()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def evaluate(loader):
    model.eval()
    loss, right, count = 0.0, 0, 0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += criterion(out, y).item() * len(y)
            right += (out.argmax(dim=1) == y).sum().item()
            count += len(y)
    return loss / count, right / count


# ---- training -----------------------------------------------------------
for epoch in range(8):
    model.train()
    total = 0.0
    for x, y in train:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
    val_loss, val_accuracy = evaluate(val)
    print(f"epoch {epoch + 1}  train loss {total / len(y_train):.3f}  "
          f"val loss {val_loss:.3f}  val accuracy {val_accuracy:.3f}")

print(f"test accuracy {evaluate(test)[1]:.3f}")
