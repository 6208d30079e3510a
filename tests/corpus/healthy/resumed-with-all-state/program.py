import os
import tempfile

import torch
import torch.nn as nn
from sklearn.datasets import make_friedman1

EPOCHS = 12


def new_run():
    torch.manual_seed(101)
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.4)
    return model, optimizer, scheduler


def train(run, data, first, last):
    model, optimizer, scheduler = run
    (x, y), (xv, yv) = data
    for epoch in range(first, last):
        model.train()
        for idx in torch.randperm(len(x)).split(50):
            loss = nn.functional.mse_loss(model(x[idx]), y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        model.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(model(xv), yv).item()
        print(f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.5f} val {val:.4f}")


def main():
    x, y = make_friedman1(1600, n_features=8, noise=0.5, random_state=101)
    x, y = torch.tensor(2 * x - 1, dtype=torch.float32), torch.tensor((y - 14.4) / 5, dtype=torch.float32)[:, None]
    data = (x[:1300], y[:1300]), (x[1300:], y[1300:])
    run = new_run()
    train(run, data, 0, 6)
    path = os.path.join(tempfile.mkdtemp(), "state.pt")
    torch.save({"model": run[0].state_dict(), "optimizer": run[1].state_dict(), "scheduler": run[2].state_dict(),
                "rng": torch.get_rng_state(), "epoch": 6}, path)
    state = torch.load(path)
    run = new_run()
    for part, key in zip(run, ("model", "optimizer", "scheduler")):
        part.load_state_dict(state[key])
    torch.set_rng_state(state["rng"])
    train(run, data, state["epoch"], EPOCHS)


if __name__ == "__main__":
    main()
