"""GRU encoder-decoder that copies the second half of a sequence, teacher forcing."""
import torch
from torch import nn

CONFIG = {
    "vocab": 8, "length": 5, "hidden": 64, "steps": 450, "batch": 64,
    "optimizer": {"name": "SGD", "lr": 0.5, "momentum": 0.9},
    "clip": 1.0,
}


class Seq2Seq(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embed = nn.Embedding(vocab + 1, hidden)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)
        self.start = vocab

    def forward(self, source, target):
        _, state = self.encoder(self.embed(source))
        begin = torch.full((len(source), 1), self.start)
        inputs = torch.cat([begin, target[:, :-1]], 1)
        return self.out(self.decoder(self.embed(inputs), state)[0])


def sample(cfg, n, gen):
    source = torch.randint(cfg["vocab"], (n, cfg["length"]), generator=gen)
    return source, source[:, 2:]


def build_optimizer(params, name, **options):
    return getattr(torch.optim, name)(params, **options)


def update(model, optimizer, loss, clip):
    optimizer.zero_grad()
    loss.backward()
    if clip is not None:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()


def main(cfg=CONFIG):
    torch.manual_seed(1)
    gen = torch.Generator().manual_seed(1)
    model = Seq2Seq(cfg["vocab"], cfg["hidden"])
    optimizer = build_optimizer(model.parameters(), **cfg["optimizer"])
    criterion = nn.CrossEntropyLoss()
    test = sample(cfg, 300, torch.Generator().manual_seed(50))
    for step in range(1, cfg["steps"] + 1):
        source, target = sample(cfg, cfg["batch"], gen)
        logits = model(source, target)
        loss = criterion(logits.flatten(0, 1), target.flatten())
        update(model, optimizer, loss, cfg["clip"])
        if step % 90 == 0:
            with torch.no_grad():
                right = (model(*test).argmax(-1) == test[1]).float().mean()
            print(f"step {step} loss {loss.item():.3f} token accuracy {right:.3f}")


if __name__ == "__main__":
    main()
