"""Reverse a string of letters with a GRU encoder and an attention decoder."""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

SOS, LETTERS, LENGTH = 0, 12, 7
HIDDEN = 48
torch.manual_seed(1)
random.seed(1)


class EncoderRNN(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.gru = nn.GRU(hidden, hidden)

    def forward(self, tokens):
        return self.gru(self.embedding(tokens))


class AttnDecoderRNN(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.gru = nn.GRU(hidden, hidden)
        self.combine = nn.Linear(2 * hidden, hidden)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, token, hidden, memory):
        output, hidden = self.gru(self.embedding(token).unsqueeze(0), hidden)
        weights = F.softmax(torch.einsum("obh,tbh->bt", output, memory) / HIDDEN ** 0.5, dim=1)
        context = torch.einsum("bt,tbh->bh", weights, memory)
        combined = torch.tanh(self.combine(torch.cat([output[0], context], dim=1)))
        return self.out(combined), hidden


def batch(n):
    src = torch.randint(1, LETTERS + 1, (LENGTH, n))
    return src, src.flip(0)


encoder = EncoderRNN(LETTERS + 1, HIDDEN)
decoder = AttnDecoderRNN(LETTERS + 1, HIDDEN)
encoder_optimizer = torch.optim.Adam(encoder.parameters(), lr=4e-3)
decoder_optimizer = torch.optim.Adam(decoder.parameters(), lr=4e-3)


def train_step(src, trg):
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    memory, hidden = encoder(src)
    token = torch.full((src.size(1),), SOS)
    loss = 0
    forcing = random.random() < 0.8
    for t in range(LENGTH):
        logits, hidden = decoder(token, hidden, memory)
        loss = loss + F.cross_entropy(logits, trg[t])
        token = trg[t] if forcing else logits.argmax(1)
    loss = loss / LENGTH
    loss.backward()
    encoder_optimizer.step()
    decoder_optimizer.step()
    return loss.item()


@torch.no_grad()
def accuracy(src, trg):
    encoder.eval(), decoder.eval()
    memory, hidden = encoder(src)
    token = torch.full((src.size(1),), SOS)
    hits = 0
    for t in range(LENGTH):
        logits, hidden = decoder(token, hidden, memory)
        token = logits.argmax(1)
        hits += (token == trg[t]).float().mean().item()
    encoder.train(), decoder.train()
    return hits / LENGTH


held_out = batch(300)
window = []
for it in range(1, 301):
    window.append(train_step(*batch(64)))
    if it % 75 == 0:
        print(f"iteration {it} loss {sum(window) / len(window):.3f} letters right {accuracy(*held_out):.3f}")
        window = []
