"""DQN for a bandit with context that lasts three rounds."""
import copy

import torch
import torch.nn as nn

torch.manual_seed(138)
ARMS, DIM, GAMMA = 4, 6, 0.5
payoff = torch.randn(ARMS, DIM)


def reward(s, a):
    return torch.tanh((payoff[a] * s).sum(1)) + 0.1 * torch.randn(len(s))


q_net = nn.Sequential(nn.Linear(DIM, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, ARMS))
q_target = copy.deepcopy(q_net)
optimizer = torch.optim.Adam(q_net.parameters(), lr=2e-3)
states, actions, rewards, nexts = [], [], [], []


def greedy_value():
    s = torch.randn(2000, DIM)
    with torch.no_grad():
        a = q_net(s).argmax(1)
    return torch.tanh((payoff[a] * s).sum(1)).mean().item()


for it in range(1, 601):
    s = torch.randn(64, DIM)
    with torch.no_grad():
        a = torch.where(torch.rand(64) < 0.3, torch.randint(ARMS, (64,)), q_net(s).argmax(1))
    r, s2 = reward(s, a), torch.randn(64, DIM)
    for store, item in zip((states, actions, rewards, nexts), (s, a, r, s2)):
        store.append(item)
        del store[:-50]
    for _ in range(1):
        k = torch.randint(len(states), (2,)).tolist()
        s, a, r, s2 = (torch.cat([store[j] for j in k]) for store in (states, actions, rewards, nexts))
        with torch.no_grad():
            target = r + GAMMA * q_target(s2).max(1).values
        q_sa = q_net(s).gather(1, a.unsqueeze(1)).squeeze(1)
        loss = ((q_sa - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if it % 50 == 0:
        q_target.load_state_dict(q_net.state_dict())
    if it % 100 == 0:
        print(f"iteration {it} loss {loss.item():.4f} greedy reward {greedy_value():.3f}")
