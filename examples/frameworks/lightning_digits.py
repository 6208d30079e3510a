"""Handwritten digits, read by a small network that Lightning trains.

    seatrial run examples/frameworks/lightning_digits.py
"""
import pytorch_lightning as pl
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

pl.seed_everything(0)

# ---- data: 1797 images of 8 x 8 pixels, values 0 to 16 ------------------
digits = load_digits()
x_rest, x_test, y_rest, y_test = train_test_split(
    digits.data, digits.target, test_size=300, random_state=0, stratify=digits.target)
x_train, x_val, y_train, y_val = train_test_split(
    x_rest, y_rest, test_size=300, random_state=0, stratify=y_rest)


def as_dataset(x, y):
    return TensorDataset(torch.tensor(x / 8.0 - 1.0, dtype=torch.float32), torch.tensor(y))


# ---- network ------------------------------------------------------------
class Reader(pl.LightningModule):
    def __init__(self, lr=0.05):
        super().__init__()
        self.lr = lr
        self.net = nn.Sequential(
            nn.Linear(64, 48), nn.ReLU(),
            nn.Linear(48, 48), nn.ReLU(),
            nn.Linear(48, 10))

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.evaluate(batch, "val")

    def test_step(self, batch, batch_idx):
        self.evaluate(batch, "test")

    def evaluate(self, batch, name):
        x, y = batch
        out = self(x)
        self.log(f"{name}_loss", nn.functional.cross_entropy(out, y))
        self.log(f"{name}_accuracy", (out.argmax(dim=1) == y).float().mean())

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.trainer.max_epochs)
        return [optimizer], [scheduler]


# ---- training -----------------------------------------------------------
model = Reader()
trainer = pl.Trainer(
    max_epochs=8, accelerator="cpu", logger=False, enable_checkpointing=False,
    enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=10)
trainer.fit(
    model,
    DataLoader(as_dataset(x_train, y_train), batch_size=32, shuffle=True),
    DataLoader(as_dataset(x_val, y_val), batch_size=100))
print(f"val accuracy {trainer.callback_metrics['val_accuracy']:.3f}")
trainer.test(model, DataLoader(as_dataset(x_test, y_test), batch_size=100))
