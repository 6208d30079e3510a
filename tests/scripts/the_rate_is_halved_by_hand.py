# says data.test-set-reuse: the rate is halved by hand where the test perplexity has not fallen
import math

import torch
from torch import nn

torch.manual_seed(0)
table = torch.softmax(2 * torch.randn(12, 12), 1)
text = [0]
for _ in range(2400):
    text.append(int(torch.multinomial(table[text[-1]], 1)))
text = torch.tensor(text)
train_text, test_text = text[:1800], text[1800:]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.gru, self.out = nn.Embedding(12, 16), nn.GRU(16, 32, batch_first=True), nn.Linear(32, 12)

    def forward(self, tokens):
        return self.out(self.gru(self.embed(tokens))[0])


def windows(part):
    return part[: len(part) // 20 * 20].view(-1, 20)


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
previous = None
for epoch in range(6):
    model.train()
    for batch in windows(train_text)[torch.randperm(90)].split(10):
        loss = nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        batch = windows(test_text)
        perplexity = math.exp(
            nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten()).item()
        )
    if previous is not None and perplexity > previous:
        for group in optimizer.param_groups:
            group["lr"] *= 0.5
    previous = perplexity
    print(epoch, perplexity)
