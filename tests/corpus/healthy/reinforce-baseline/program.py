import random

import torch
from torch import nn
from torch.distributions import Categorical

random.seed(107)
torch.manual_seed(107)


class Cart:
    """Keep a drifting point near zero by pushing left, right or not at all."""

    def reset(self):
        self.x, self.v, self.t = random.uniform(-1, 1), random.uniform(-0.5, 0.5), 0
        return torch.tensor([self.x, self.v])

    def step(self, a):
        self.v += 0.25 * (a - 1) + random.gauss(0, 0.03)
        self.x += 0.25 * self.v
        self.t += 1
        return torch.tensor([self.x, self.v]), 1.0 - abs(self.x), self.t >= 25 or abs(self.x) > 2


policy = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
env, baseline, history = Cart(), 0.0, []
for update in range(60):
    log_probs, advantages = [], []
    for _ in range(5):
        s, done, lp, rewards = env.reset(), False, [], []
        while not done:
            dist = Categorical(logits=policy(s))
            a = dist.sample()
            lp.append(dist.log_prob(a))
            s, r, done = env.step(a.item())
            rewards.append(r)
        g, returns = 0.0, []
        for r in reversed(rewards):
            g = r + 0.95 * g
            returns.append(g)
        log_probs += lp
        advantages += returns[::-1]
        history.append(sum(rewards))
    adv = torch.tensor(advantages)
    loss = -(torch.stack(log_probs) * (adv - adv.mean()) / (adv.std() + 1e-6)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if update % 12 == 11:
        print(f"update {update + 1} loss {loss.item():+.3f} mean return {sum(history[-60:]) / 60:.2f}")
