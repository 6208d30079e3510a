"""Order-of-two-symbols task for a plain recurrent network."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
T, HIDDEN, CLIP = 30, 48, 0.3


def make(n):
    x = 0.3 * torch.randn(n, T, 4)
    first = torch.randint(0, T // 3, (n,))
    second = torch.randint(T // 2, T - 4, (n,))
    a, b = torch.randint(0, 2, (n,)), torch.randint(0, 2, (n,))
    rows = torch.arange(n)
    x[rows, first, a] += 3.0
    x[rows, second, 2 + b] += 3.0
    return x, 2 * a + b


class OrderRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(4, HIDDEN, nonlinearity="relu", batch_first=True)
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.1)
        self.out = nn.Linear(HIDDEN, 4)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


rnn = OrderRNN()
opt = torch.optim.SGD(rnn.parameters(), lr=0.02, momentum=0.9)
x_val, y_val = make(500)
for epoch in range(9):
    total = 0.0
    for _ in range(50):
        x, y = make(32)
        loss = F.cross_entropy(rnn(x), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(rnn.parameters(), CLIP)
        opt.step()
        total += loss.item()
    with torch.no_grad():
        out = rnn(x_val)
    print(f"epoch {epoch} train {total / 50:.3f} val {F.cross_entropy(out, y_val).item():.3f} acc {(out.argmax(1) == y_val).float().mean().item():.3f}")
