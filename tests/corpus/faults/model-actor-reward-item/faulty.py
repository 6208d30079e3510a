"""Advantage actor-critic on a line world: walk to the flag, which stands left or right."""
import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(7)
SIZE, LIMIT, GAMMA = 9, 14, 0.95


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.actor = nn.Sequential(nn.Linear(SIZE + 1, 32), nn.Tanh(), nn.Linear(32, 2))
        self.critic = nn.Sequential(nn.Linear(SIZE + 1, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, s):
        return self.actor(s), self.critic(s).squeeze(-1)


class LineWorld:
    def reset(self):
        self.pos, self.flag, self.t = SIZE // 2, int(torch.randint(2, ())) * (SIZE - 1), 0
        return self.state()

    def state(self):
        s = torch.zeros(SIZE + 1)
        s[self.pos], s[-1] = 1.0, 1.0 if self.flag else -1.0
        return s

    def step(self, action):
        self.pos = min(max(self.pos + (1 if action else -1), 0), SIZE - 1)
        self.t += 1
        done = self.pos == self.flag
        return self.state(), 1.0 if done else -0.05, done or self.t >= LIMIT


net, env = ActorCritic(), LineWorld()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
returns = []
for episode in range(1, 201):
    state, done = env.reset(), False
    log_probs, values, rewards = [], [], []
    while not done:
        logits, value = net(state)
        dist = Categorical(logits=logits)
        action = dist.sample()
        state, reward, done = env.step(action.item())
        log_probs.append(torch.tensor(dist.log_prob(action).item()))
        values.append(value)
        rewards.append(reward)
    g, targets = 0.0, []
    for r in reversed(rewards):
        g = r + GAMMA * g
        targets.insert(0, g)
    targets, values = torch.tensor(targets), torch.stack(values)
    advantage = targets - values.detach()
    loss = -(torch.stack(log_probs) * advantage).mean() + 0.5 * (values - targets).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    returns.append(sum(rewards))
    if episode % 40 == 0:
        print(f"episode {episode} mean return of the last 40: {sum(returns[-40:]) / 40:.3f}")
