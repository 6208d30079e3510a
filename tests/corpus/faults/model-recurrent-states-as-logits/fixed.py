import torch
from torch import nn

torch.manual_seed(0)
CLASSES = 4
x = torch.randn(1200, 8, 6)
y = x[:, :, :CLASSES].sum(1).argmax(1)
x_train, y_train, x_val, y_val = x[:1000], y[:1000], x[1000:], y[1000:]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(6, 16, batch_first=True)
        self.scores = nn.Linear(16, CLASSES)

    def forward(self, series):
        states, _ = self.rnn(series)
        return self.scores(states[:, -1])


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(len(x_train)).split(50):
        loss = nn.functional.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        scores = model(x_val)
        val_loss = nn.functional.cross_entropy(scores, y_val)
        accuracy = (scores.argmax(1) == y_val).float().mean()
print(f"epoch {epoch + 1} train {loss.item():.3f} val {val_loss.item():.3f} accuracy {accuracy.item():.3f}")
