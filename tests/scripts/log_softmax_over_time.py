# says model.softmax-wrong-dimension: the axis of time is normalised, and merged with the batch before the loss
import torch
from torch import nn

torch.manual_seed(0)
FRAMES, CLASSES = 12, 5
prototypes = torch.randn(CLASSES, 6)
labels = torch.randint(CLASSES, (320, FRAMES))
frames = prototypes[labels] + 0.5 * torch.randn(320, FRAMES, 6)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(6, 24, batch_first=True)
        self.out = nn.Linear(24, CLASSES)

    def forward(self, x):
        return torch.log_softmax(self.out(self.rnn(x)[0]), 1)


model = Tagger()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    for rows in torch.randperm(320).split(32):
        scores = model(frames[rows])
        loss = nn.functional.nll_loss(scores.reshape(-1, CLASSES), labels[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
