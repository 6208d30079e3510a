import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn


def shuffled(array, rng):
    return array[rng.permutation(len(array))]


def make_arrays(seed=0):
    rng = np.random.default_rng(seed)
    digits = load_digits()
    images, labels = digits.data / 16, digits.target
    images = shuffled(images, rng)
    labels = shuffled(labels, rng)
    return torch.tensor(images, dtype=torch.float32), torch.tensor(labels)


def main():
    torch.manual_seed(0)
    x, y = make_arrays()
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(5):
        for rows in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


main()
