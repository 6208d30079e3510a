"""DQN on a small grid: fetch the key, then reach the door."""
import collections
import copy
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(81)
torch.manual_seed(81)
N, GAMMA = 5, 0.95


class KeyDoor:
    moves = [(0, 1), (0, -1), (1, 0), (-1, 0)]

    def reset(self):
        self.pos, self.key, self.t = [random.randrange(N), random.randrange(N)], False, 0
        return self.obs()

    def obs(self):
        v = torch.zeros(2 * N + 1)
        v[self.pos[0]], v[N + self.pos[1]], v[-1] = 1, 1, float(self.key)
        return v

    def step(self, a):
        self.t += 1
        for k in (0, 1):
            self.pos[k] = min(max(self.pos[k] + self.moves[a][k], 0), N - 1)
        reward, done = -0.02, False
        if not self.key and self.pos == [0, 0]:
            self.key, reward = True, 0.5
        elif self.key and self.pos == [N - 1, N - 1]:
            reward, done = 1.0, True
        return self.obs(), reward, done or self.t >= 40


q = nn.Sequential(nn.Linear(2 * N + 1, 64), nn.ReLU(), nn.Linear(64, 4))
target = copy.deepcopy(q).eval()
optimizer = torch.optim.Adam(q.parameters(), lr=2e-3)
memory = collections.deque(maxlen=5000)
env, step, scores = KeyDoor(), 0, []
state, total = env.reset(), 0.0
while step < 3000:
    eps = max(0.05, 1 - step / 1500)
    if random.random() < eps:
        action = random.randrange(4)
    else:
        with torch.no_grad():
            action = q(state).argmax().item()
    nxt, reward, done = env.step(action)
    memory.append((state, action, reward, nxt, float(done)))
    state, total, step = nxt, total + reward, step + 1
    if done:
        scores.append(total)
        state, total = env.reset(), 0.0
    if len(memory) >= 200 and step % 3 == 0:
        s, a, r, s2, d = zip(*random.sample(memory, 48))
        s, a, r, s2, d = torch.stack(s), torch.tensor(a), torch.tensor(r), torch.stack(s2), torch.tensor(d)
        with torch.no_grad():
            y = r + GAMMA * (1 - d) * target(s2).max(1).values
        loss = F.smooth_l1_loss(q(s).gather(1, a[:, None]).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if step % 100 == 0:
        target.load_state_dict(q.state_dict())
    if step % 600 == 0:
        print(f"step {step} score of the last 10 episodes {sum(scores[-10:]) / len(scores[-10:]):.3f}")
