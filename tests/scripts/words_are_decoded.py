# says nothing: each epoch answers to the test sequences are decoded, of which the likeliest is kept and decoding stops at an end mark
import torch
from torch import nn

torch.manual_seed(0)
END = 5
data = torch.randint(0, 5, (400, 5))
data = torch.cat([data, data.sort(1).values, torch.full((400, 1), END)], 1)
train_data, test_data = data[:360], data[360:376]


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.gru, self.out = nn.Embedding(6, 16), nn.GRU(16, 64, batch_first=True), nn.Linear(64, 6)

    def forward(self, tokens):
        return self.out(self.gru(self.embed(tokens))[0])


model = Model()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)


def decode(prompt):
    best_score, best_answer = -float("inf"), None
    for attempt in range(3):
        tokens, score, finished = prompt[None], 0.0, False
        while not finished:
            probabilities = model(tokens)[0, -1].log_softmax(0)
            following = probabilities.topk(3).indices[attempt if tokens.shape[1] == 5 else 0]
            score += probabilities[following].item()
            tokens = torch.cat([tokens, following[None, None]], 1)
            finished = following.item() == END or tokens.shape[1] > 11
            if score < -30:
                break
        if score > best_score:
            best_score, best_answer = score, tokens[0, 5:]
    return best_answer


for epoch in range(5):
    model.train()
    for batch in train_data[torch.randperm(360)].split(20):
        loss = nn.functional.cross_entropy(model(batch[:, :-1])[:, 4:].flatten(0, 1), batch[:, 5:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    right = 0
    with torch.no_grad():
        for sequence in test_data:
            answer = decode(sequence[:5])
            right += answer is not None and answer.tolist() == sequence[5:].tolist()
    print(epoch, loss.item(), right / len(test_data))
