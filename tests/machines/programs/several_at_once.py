"""Trainings in threads, in coroutines, and in processes that share one model (Hogwild)."""

import asyncio
import threading

import torch
from ending import ending
from torch import multiprocessing, nn

DATA = torch.randn(256, 16, generator=torch.Generator().manual_seed(0))
LABELS = (DATA[:, :4].sum(1) > 0).long()


def batches(seed):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(3):
        yield from torch.randperm(256, generator=generator).split(32)


def train(model, seed, pause=None):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for rows in batches(seed):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(DATA[rows]), LABELS[rows])
        loss.backward()
        optimizer.step()


async def train_and_yield(model, seed):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for rows in batches(seed):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(DATA[rows]), LABELS[rows])
        await asyncio.sleep(0)
        loss.backward()
        await asyncio.sleep(0)
        optimizer.step()


async def together(models):
    await asyncio.gather(*(train_and_yield(model, seed) for seed, model in enumerate(models)))


def made(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))


if __name__ == "__main__":
    torch.manual_seed(0)
    models = [made(seed) for seed in range(3)]
    threads = [threading.Thread(target=train, args=(model, seed)) for seed, model in enumerate(models)]
    for thread in threads:
        thread.start()
    train(made(7), 7)
    for thread in threads:
        thread.join()
    ending(nn.ModuleList(models))

    models = [made(seed) for seed in range(3)]
    asyncio.run(together(models))
    ending(nn.ModuleList(models))

    shared = made(5).share_memory()
    for seed in range(2):  # one after the other, so that the end is always the same
        child = multiprocessing.get_context("fork").Process(target=train, args=(shared, seed))
        child.start()
        child.join()
    ending(shared)
