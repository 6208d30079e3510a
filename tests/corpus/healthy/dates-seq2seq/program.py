"""Normalise dates ("3 mar 99" to "1999-03-03") with an attention decoder; micro-batches are averaged by tokens."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
CHARS = "\0\1\2 abcdefghijklmnopqrstuvwxyz0123456789-"
PAD, BOS, EOS = 0, 1, 2
IDS = {c: i for i, c in enumerate(CHARS)}


def example(rng):
    d, m, y = rng.randint(1, 28), rng.randint(1, 12), rng.randint(0, 99)
    text = rng.choice([f"{d} {MONTHS[m - 1]} {y:02d}", f"{MONTHS[m - 1]} {d} 19{y:02d}"])
    return [IDS[c] for c in text], [BOS] + [IDS[c] for c in f"19{y:02d}-{m:02d}-{d:02d}"] + [EOS]


def collate(pairs):
    pad = lambda rows: nn.utils.rnn.pad_sequence([torch.tensor(r) for r in rows], batch_first=True, padding_value=PAD)
    return pad([a for a, _ in pairs]), pad([b for _, b in pairs])


class Seq2Seq(nn.Module):
    def __init__(self, d=64):
        super().__init__()
        self.embed = nn.Embedding(len(CHARS), d, padding_idx=PAD)
        self.encoder = nn.GRU(d, d // 2, bidirectional=True, batch_first=True)
        self.decoder = nn.GRU(d, d, batch_first=True)
        self.query = nn.Linear(d, d)
        self.out = nn.Linear(2 * d, len(CHARS))

    def forward(self, source, target):
        lengths = (source != PAD).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(self.embed(source), lengths, batch_first=True, enforce_sorted=False)
        memory, state = self.encoder(packed)
        memory, _ = nn.utils.rnn.pad_packed_sequence(memory, batch_first=True, total_length=source.shape[1])
        state = torch.cat([state[0], state[1]], 1)[None]
        h, _ = self.decoder(self.embed(target), state)
        scores = self.query(h) @ memory.transpose(1, 2) / h.shape[-1] ** 0.5
        scores = scores.masked_fill((source == PAD)[:, None], float("-inf"))
        return self.out(torch.cat([h, scores.softmax(-1) @ memory], -1))


def main(steps=160, accumulate=2):
    random.seed(0)
    torch.manual_seed(0)
    rng = random.Random(0)
    model = Seq2Seq()
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    test = collate([example(rng) for _ in range(200)])
    for step in range(1, steps + 1):
        micro = [collate([example(rng) for _ in range(24)]) for _ in range(accumulate)]
        tokens = sum((t[:, 1:] != PAD).sum().item() for _, t in micro)
        opt.zero_grad()
        total = 0.0
        for source, target in micro:
            logits = model(source, target[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD, reduction="sum") / tokens
            loss.backward()
            total += loss.item()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if step % 40 == 0:
            with torch.no_grad():
                guess = model(test[0], test[1][:, :-1]).argmax(-1)
            real = test[1][:, 1:] != PAD
            print(step, f"{total:.3f} token accuracy {(guess == test[1][:, 1:])[real].float().mean():.3f}")


main()
