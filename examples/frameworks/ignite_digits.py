"""Handwritten digits, read by a small network that ignite trains.

    seatrial run examples/frameworks/ignite_digits.py
"""
import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.metrics import Accuracy, Loss
from ignite.utils import manual_seed
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 8

manual_seed(0)

# ---- data: 1797 images of 8 x 8 pixels, values 0 to 16 ------------------
digits = load_digits()
x_rest, x_test, y_rest, y_test = train_test_split(
    digits.data, digits.target, test_size=300, random_state=0, stratify=digits.target)
x_train, x_val, y_train, y_val = train_test_split(
    x_rest, y_rest, test_size=300, random_state=0, stratify=y_rest)


def as_dataset(x, y):
    return TensorDataset(torch.tensor(x / 8.0 - 1.0, dtype=torch.float32), torch.tensor(y))


train = DataLoader(as_dataset(x_train, y_train), batch_size=32, shuffle=True)
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

# ---- training -----------------------------------------------------------
trainer = create_supervised_trainer(model, optimizer, criterion)
evaluator = create_supervised_evaluator(model, {"loss": Loss(criterion), "accuracy": Accuracy()})


@trainer.on(Events.ITERATION_COMPLETED)
def anneal(engine):
    scheduler.step()


@trainer.on(Events.EPOCH_COMPLETED)
def validate(engine):
    metrics = evaluator.run(val).metrics
    print(f"epoch {engine.state.epoch}  val loss {metrics['loss']:.3f}  val accuracy {metrics['accuracy']:.3f}")


trainer.run(train, max_epochs=EPOCHS)
print(f"test accuracy {evaluator.run(test).metrics['accuracy']:.3f}")
