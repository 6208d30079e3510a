# says nothing: each client begins with a copy of the weights that the server sends
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(600, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
shares = torch.randperm(600).split(150)


def build():
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))


def update(weights, share):
    model = build()
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weights.values(), strict=True):
            parameter.copy_(value)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for rows in share.split(30):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.state_dict()


server = build()
for number in range(8):
    weights = {name: value.clone() for name, value in server.state_dict().items()}
    states = [update(weights, share) for share in shares]
    server.load_state_dict({name: sum(state[name] for state in states) / len(states) for name in weights})
    with torch.no_grad():
        print((server(x).argmax(1) == y).float().mean().item())
