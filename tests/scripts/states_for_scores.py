# says model.output-activation: the last state of a recurrent layer is given to cross-entropy as scores
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 6, 5)
y = x[:, :, :3].sum(1).argmax(1)
rnn = nn.LSTM(5, 3, batch_first=True)
optimizer = torch.optim.Adam(rnn.parameters(), lr=0.01)
for _ in range(10):
    for rows in torch.randperm(256).split(32):
        states, _ = rnn(x[rows])
        loss = nn.functional.cross_entropy(states[:, -1], y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(loss.item())
