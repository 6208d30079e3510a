"""Character model of arithmetic strings, trained in two sessions with a checkpoint in between."""
import os
import tempfile

import torch
import torch.nn as nn

CHARS = "0123456789+="
STEPS, BATCH = 500, 64


def examples(n, gen):
    a = torch.randint(0, 50, (n,), generator=gen)
    b = torch.randint(0, 50, (n,), generator=gen)
    rows = [f"{i:02d}+{j:02d}={i + j:02d}" for i, j in zip(a.tolist(), b.tolist())]
    return torch.tensor([[CHARS.index(c) for c in r] for r in rows])


class CharGRU(nn.Module):
    def __init__(self, hidden=96):
        super().__init__()
        self.emb = nn.Embedding(len(CHARS), 24)
        self.rnn = nn.GRU(24, hidden, batch_first=True)
        self.out = nn.Linear(hidden, len(CHARS))

    def forward(self, x):
        return self.out(self.rnn(self.emb(x))[0])


def setup(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.8)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: 0.5 * (1 + torch.cos(torch.tensor(3.14159 * s / STEPS)).item()))
    return optimizer, scheduler


def loss_of(model, rows):
    logits = model(rows[:, :-1])
    return nn.functional.cross_entropy(logits[:, 5:].flatten(0, 1), rows[:, 6:].flatten())


def session(model, optimizer, scheduler, first, last, gen, held_out):
    model.train()
    recent = []
    for step in range(first, last):
        loss = loss_of(model, examples(BATCH, gen))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        recent.append(loss.item())
        if (step + 1) % 100 == 0:
            model.eval()
            with torch.no_grad():
                val = loss_of(model, held_out).item()
            model.train()
            print(f"step {step + 1} lr {optimizer.param_groups[0]['lr']:.3f} train {sum(recent[-50:]) / 50:.3f} val {val:.3f}")


def main():
    torch.manual_seed(12)
    gen = torch.Generator().manual_seed(13)
    held_out = examples(400, gen)
    path = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")

    model = CharGRU()
    optimizer, scheduler = setup(model)
    session(model, optimizer, scheduler, 0, 400, gen, held_out)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "step": 400}, path)

    checkpoint = torch.load(path)
    model = CharGRU()
    optimizer, scheduler = setup(model)
    model.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    session(model, optimizer, scheduler, checkpoint["step"], STEPS, gen, held_out)


main()
