# says nothing: each member of an ensemble answers the test data once, and all together; a member that lags is named
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(700, 6)
y = (x.pow(2).sum(1) > 5.3).long()
x_test, y_test = x[500:], y[500:]
members, scores = [], []
for member in range(3):
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(5):
        for rows in torch.randint(500, (500,)).split(25):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
    members.append(net.eval())
with torch.no_grad():
    answers = torch.stack([net(x_test).softmax(1) for net in members])
for number, answer in enumerate(answers):
    scores.append((answer.argmax(1) == y_test).float().mean().item())
together = (answers.mean(0).argmax(1) == y_test).float().mean().item()
best_member = max(range(3), key=lambda number: scores[number])
print("members", scores, "best", best_member, "together", together)
