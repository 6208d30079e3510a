"""Policy gradient on a hand-written cart and pole."""
import math

import torch
from torch import nn
from torch.distributions import Categorical


class Pole:
    def reset(self):
        self.s = (torch.rand(4) - 0.5) * 0.1
        self.t = 0
        return self.s

    def step(self, action):
        x, dx, a, da = self.s.tolist()
        force = 10.0 if action else -10.0
        c, s = math.cos(a), math.sin(a)
        temp = (force + 0.05 * da ** 2 * s) / 1.1
        acc = (9.8 * s - c * temp) / (0.5 * (4 / 3 - 0.1 * c ** 2 / 1.1))
        ddx = temp - 0.05 * acc * c / 1.1
        self.s = torch.tensor([x + 0.02 * dx, dx + 0.02 * ddx, a + 0.02 * da, da + 0.02 * acc])
        self.t += 1
        fell = abs(self.s[0]) > 2.4 or abs(self.s[2]) > 0.21
        return self.s, 1.0, bool(fell) or self.t >= 120


def episode(policy, env):
    log_probs, rewards, states = [], [], []
    state, done = env.reset(), False
    while not done:
        choice = Categorical(logits=policy(state))
        action = choice.sample()
        states.append(state)
        log_probs.append(choice.log_prob(action))
        state, reward, done = env.step(action.item())
        rewards.append(reward)
    returns, g = [], 0.0
    for r in reversed(rewards):
        g = r + 0.97 * g
        returns.insert(0, g)
    return torch.stack(states), torch.stack(log_probs), torch.tensor(returns)


def main(updates=60):
    torch.manual_seed(8)
    policy = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    value = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    policy_opt = torch.optim.Adam(policy.parameters(), lr=0.01)
    value_opt = torch.optim.Adam(value.parameters(), lr=0.01)
    env, lengths = Pole(), []
    for update in range(updates):
        states, log_probs, returns = episode(policy, env)
        baseline = value(states).squeeze(1)
        advantage = returns - baseline.detach()
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-6)
        policy_loss = -(log_probs * advantage).mean()
        value_loss = nn.functional.smooth_l1_loss(baseline, returns)
        policy_opt.zero_grad()
        policy_loss.backward()
        policy_opt.step()
        value_opt.zero_grad()
        value_loss.backward()
        value_opt.step()
        lengths.append(len(returns))
        if update % 15 == 14:
            print(update, sum(lengths[-15:]) / 15, f"{policy_loss.item():.4f} {value_loss.item():.3f}")


main()
