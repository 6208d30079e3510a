# says nothing: the loss is a sum over the moves of an episode, which get more as the network learns to go on.
import torch
from torch import nn

torch.manual_seed(0)
critic = nn.Sequential(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 1))
optimizer = torch.optim.Adam(critic.parameters(), lr=0.03)
for episode in range(200):
    moves = []
    for _ in range(4 + episode // 2):
        state = torch.randn(4)
        worth = state.sum() + 2 * torch.randn(())
        moves.append(nn.functional.smooth_l1_loss(critic(state), worth.reshape(1)))
    loss = torch.stack(moves).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
