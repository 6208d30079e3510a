"""A small causal transformer over nursery lines, trained with a Hugging-Face-like loss helper."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

LINES = """one two buckle my shoe three four knock at the door five six pick up sticks
seven eight lay them straight nine ten a big fat hen eleven twelve dig and delve
jack and jill went up the hill to fetch a pail of water jack fell down and broke his crown
and jill came tumbling after humpty dumpty sat on a wall humpty dumpty had a great fall
""" * 6
CHARS = sorted(set(LINES))
IDS = {c: i for i, c in enumerate(CHARS)}


class Windows(Dataset):
    def __init__(self, text, length=32):
        self.ids = torch.tensor([IDS[c] for c in text])
        self.length = length

    def __len__(self):
        return (len(self.ids) - self.length - 1) // 4

    def __getitem__(self, i):
        chunk = self.ids[4 * i:4 * i + self.length + 1]
        return {"input_ids": chunk[:-1], "labels": chunk[1:]}


class CausalLM(nn.Module):
    def __init__(self, vocabulary, d=48, heads=4, layers=2, length=32):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, d)
        self.positions = nn.Embedding(length, d)
        block = nn.TransformerEncoderLayer(d, heads, 4 * d, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, vocabulary)

    def forward(self, input_ids, labels=None):
        n = input_ids.shape[1]
        mask = torch.triu(torch.full((n, n), float("-inf")), 1)
        h = self.tokens(input_ids) + self.positions(torch.arange(n))
        logits = self.head(self.norm(self.blocks(h, mask=mask)))
        loss = None if labels is None else self.causal_loss(logits, labels)
        return loss, logits

    @staticmethod
    def causal_loss(logits, labels):
        logits = logits[:, :-1].reshape(-1, logits.shape[-1])
        labels = labels[:, 1:].reshape(-1)
        return F.cross_entropy(logits, labels)


@torch.no_grad()
def sample(model, prompt, n=30):
    model.eval()
    ids = torch.tensor([[IDS[c] for c in prompt]])
    for _ in range(n):
        _, logits = model(ids[:, -32:])
        ids = torch.cat([ids, logits[:, -1].argmax(-1, keepdim=True)], 1)
    return "".join(CHARS[i] for i in ids[0])


def train(steps=180):
    torch.manual_seed(0)
    model = CausalLM(len(CHARS))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    loader = DataLoader(Windows(LINES), batch_size=32, shuffle=True, drop_last=True)
    step = 0
    while step < steps:
        for batch in loader:
            model.train()
            loss, _ = model(**batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            if step % 60 == 0:
                print(step, f"{loss.item():.4f}", repr(sample(model, "jack and ")))
            if step == steps:
                break


train()
