"""Tag brackets with their depth by a GRU; no dropout, no batch statistics, so no eval() either."""
import torch
from torch import nn
import torch.nn.functional as F

PAD = -100


def strings(n, gen, longest=24):
    lengths = torch.randint(8, longest + 1, (n,), generator=gen)
    symbols = torch.randint(1, 4, (n, longest), generator=gen)
    step = torch.tensor([0, 1, -1, 0])[symbols]
    depth, tags = torch.zeros(n, dtype=torch.long), []
    for t in range(longest):
        depth = (depth + step[:, t]).clamp(0, 3)
        tags.append(depth)
    tags = torch.stack(tags, 1)
    padded = torch.arange(longest) >= lengths[:, None]
    return symbols.masked_fill(padded, 0), tags.masked_fill(padded, PAD)


class Tagger(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.embed = nn.Embedding(4, d, padding_idx=0)
        self.rnn = nn.GRU(d, d, batch_first=True)
        self.out = nn.Linear(d, 4)

    def forward(self, symbols):
        return self.out(self.rnn(self.embed(symbols))[0])


def accuracy(model, symbols, tags):
    with torch.no_grad():
        guess = model(symbols).argmax(-1)
    real = tags != PAD
    return (guess[real] == tags[real]).float().mean().item()


def main():
    torch.manual_seed(3)
    gen = torch.Generator().manual_seed(3)
    symbols, tags = strings(1500, gen)
    held_out = strings(300, gen)
    model = Tagger()
    opt = torch.optim.RMSprop(model.parameters(), lr=2e-3)
    for epoch in range(8):
        for rows in torch.randperm(len(tags)).split(50):
            loss = F.cross_entropy(model(symbols[rows]).transpose(1, 2), tags[rows], ignore_index=PAD)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, f"{loss.item():.3f}", f"{accuracy(model, *held_out):.3f}")


main()
