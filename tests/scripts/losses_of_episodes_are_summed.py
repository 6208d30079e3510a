# says nothing: the loss is a sum over the moves of an episode, which get more as the network learns to go on.
import torch
from torch import nn

torch.manual_seed(0)
policy = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=0.03)
for _ in range(120):
    moves, place = [], torch.tensor([0.0, 0.0])
    while len(moves) < 60 and place.abs().max() < 1.0:
        chosen = torch.distributions.Categorical(logits=policy(place))
        move = chosen.sample()
        moves.append(chosen.log_prob(move))
        place = torch.stack([place[0] + 0.4 * (move.float() - 0.5) - 0.1 * place[0], place[1] * 0.9 + 0.1 * torch.randn(())])
    worth = torch.arange(len(moves), 0, -1.0)
    loss = torch.stack([-each * value for each, value in zip(moves, worth, strict=True)]).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
