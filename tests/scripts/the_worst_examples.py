# says nothing: in one look at the test data the worst examples, the best class and the largest errors are found
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(0)
digits = load_digits()
x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
order = torch.randperm(len(x))
train, test = order[:1300], order[1300:]
net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(8):
    for rows in train[torch.randperm(1300)].split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
losses, per_class = [], {}
with torch.no_grad():
    for rows in test.split(100):
        losses.append(nn.functional.cross_entropy(net(x[rows]), y[rows], reduction="none"))
    test_losses = torch.cat(losses)
    answers = net(x[test]).argmax(1)
for digit in range(10):
    mine = y[test] == digit
    per_class[digit] = (answers[mine] == digit).float().mean().item()
best_class = max(per_class, key=per_class.get)
worst, worst_loss = -1, 0.0
for number, loss in enumerate(test_losses.tolist()):
    if loss > worst_loss:
        worst, worst_loss = number, loss
best_loss = test_losses.min().item()
print("best class", best_class, "worst example", int(test[worst]), max(test_losses.tolist()), best_loss)
