"""Classify spoken-like chirps by a 1-d CNN with a little callback trainer."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 8


def chirps(n, gen, length=96):
    t = torch.linspace(0, 1, length)
    kind = torch.randint(4, (n,), generator=gen)
    f0 = 4 + 3 * torch.rand(n, 1, generator=gen)
    slope = torch.tensor([-3.0, 0.0, 4.0, 8.0])[kind][:, None] + 0.8 * torch.randn(n, 1, generator=gen)
    phase = 6.28 * torch.rand(n, 1, generator=gen)
    wave = torch.sin(6.28 * (f0 * t + 0.5 * slope * t ** 2) + phase)
    return (wave + 0.5 * torch.randn(n, length, generator=gen))[:, None], kind


class Callback:
    def after_batch(self, trainer): ...
    def after_epoch(self, trainer): ...


class Schedule(Callback):
    def __init__(self, make):
        self.make, self.schedule = make, None

    def after_epoch(self, trainer):
        if self.schedule is None:
            self.schedule = self.make(trainer.optimizer)
        self.schedule.step()


class Report(Callback):
    def __init__(self, x, y):
        self.x, self.y, self.n = x, y, 0

    def after_epoch(self, trainer):
        self.n += 1
        with torch.inference_mode():
            trainer.model.eval()
            accuracy = (trainer.model(self.x).argmax(1) == self.y).float().mean()
            trainer.model.train()
        print(f"epoch {self.n} loss {trainer.loss:.3f} val accuracy {accuracy:.3f} lr {trainer.optimizer.param_groups[0]['lr']:.5f}")


class Trainer:
    def __init__(self, model, optimizer, callbacks):
        self.model, self.optimizer, self.callbacks = model, optimizer, callbacks
        self.criterion = nn.CrossEntropyLoss()

    def call(self, event):
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def fit(self, loader, epochs):
        for _ in range(epochs):
            for x, y in loader:
                loss = self.criterion(self.model(x), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.loss = loss.item()
                self.call("after_batch")
            self.call("after_epoch")


def main():
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Conv1d(1, 16, 7, padding=3), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(4),
                          nn.Conv1d(16, 32, 5, padding=2), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(4), nn.Flatten(), nn.Linear(192, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    cosine = Schedule(lambda opt: torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=EPOCHS))
    Trainer(model, optimizer, [cosine, Report(*chirps(400, gen))]).fit(DataLoader(TensorDataset(*chirps(1600, gen)), 50, shuffle=True), EPOCHS)


main()
