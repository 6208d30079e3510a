"""Handwritten digits, read by a small network that is trained with Accelerate.

    seatrial run examples/frameworks/accelerate_digits.py
"""
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 8

set_seed(0)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)

# ---- data: 1797 images of 8 x 8 pixels, values 0 to 16 ------------------
digits = load_digits()
x_rest, x_test, y_rest, y_test = train_test_split(
    digits.data, digits.target, test_size=300, random_state=0, stratify=digits.target)
x_train, x_val, y_train, y_val = train_test_split(
    x_rest, y_rest, test_size=300, random_state=0, stratify=y_rest)


def as_dataset(x, y):
    return TensorDataset(torch.tensor(x / 8.0 - 1.0, dtype=torch.float32), torch.tensor(y))


train = DataLoader(as_dataset(x_train, y_train), batch_size=16, shuffle=True)
val = DataLoader(as_dataset(x_val, y_val), batch_size=100)
test = DataLoader(as_dataset(x_test, y_test), batch_size=100)

# ---- network ------------------------------------------------------------
model = nn.Sequential(
    nn.Linear(64, 48), nn.ReLU(),
    nn.Linear(48, 48), nn.ReLU(),
    nn.Linear(48, 10))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(train))
model, optimizer, train, val, test, scheduler = accelerator.prepare(
    model, optimizer, train, val, test, scheduler)


def accuracy(loader):
    model.eval()
    right, count = 0, 0
    with torch.no_grad():
        for x, y in loader:
            predicted, y = accelerator.gather_for_metrics((model(x).argmax(dim=1), y))
            right += (predicted == y).sum().item()
            count += len(y)
    return right / count


# ---- training -----------------------------------------------------------
for epoch in range(EPOCHS):
    model.train()
    for x, y in train:
        with accelerator.accumulate(model):
            loss = criterion(model(x), y)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
    accelerator.print(f"epoch {epoch + 1}  val accuracy {accuracy(val):.3f}")

accelerator.print(f"test accuracy {accuracy(test):.3f}")
