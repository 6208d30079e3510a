import torch
import torch.nn as nn
from sklearn.datasets import make_friedman1

LR = 1e-2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden1 = nn.Linear(8, 50)
        self.hidden2 = nn.Linear(50, 50)
        self.mean = nn.Linear(50, 1)
        self.log_var = nn.Linear(50, 1)

    def forward(self, x):
        h = torch.relu(self.hidden2(torch.relu(self.hidden1(x))))
        return self.mean(h).squeeze(1), self.log_var(h).squeeze(1).clamp(-6, 6)


def nll(mean, log_var, y):
    return 0.5 * (log_var + (y - mean) ** 2 * torch.exp(-log_var)).mean()


def train_step(net, x, y, optimizer):
    net.train()
    optimizer.zero_grad()
    loss = nll(*net(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def main():
    torch.manual_seed(3)
    x, y = make_friedman1(1600, n_features=8, noise=1.0, random_state=3)
    x = torch.tensor(2 * x - 1, dtype=torch.float32)
    y = torch.tensor((y - y[:1200].mean()) / y[:1200].std(), dtype=torch.float32)
    x, x_val, y, y_val = x[:1200], x[1200:], y[:1200], y[1200:]
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    for epoch in range(8):
        losses = [train_step(net, x[i], y[i], optimizer) for i in torch.randperm(len(x)).split(16)]
        net.eval()
        with torch.no_grad():
            mean, log_var = net(x_val)
        print(f"epoch {epoch + 1}: train nll {sum(losses) / len(losses):.3f} val nll {nll(mean, log_var, y_val).item():.3f} "
              f"val rmse {(mean - y_val).pow(2).mean().sqrt().item():.3f}")


if __name__ == "__main__":
    main()
