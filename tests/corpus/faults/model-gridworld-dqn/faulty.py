"""Deep Q-learning in a 5x5 grid with a goal in the corner and a target network."""
import collections
import copy
import random

import torch
import torch.nn as nn

Transition = collections.namedtuple("Transition", "state action reward next_state done")
SIZE, GOAL = 5, (4, 4)
MOVES = [(0, 1), (1, 0), (0, -1), (-1, 0)]


class Grid:
    def reset(self):
        self.at, self.steps = (random.randrange(SIZE), random.randrange(SIZE)), 0
        return self.observe()

    def observe(self):
        x = torch.zeros(2 * SIZE)
        x[self.at[0]] = 1
        x[SIZE + self.at[1]] = 1
        return x

    def step(self, action):
        dx, dy = MOVES[action]
        self.at = (min(max(self.at[0] + dx, 0), SIZE - 1), min(max(self.at[1] + dy, 0), SIZE - 1))
        self.steps += 1
        reached = self.at == GOAL
        return self.observe(), 1.0 if reached else -0.05, reached, reached or self.steps >= 30


class Agent:
    def __init__(self, gamma=0.9, lr=2e-3):
        self.q = nn.Sequential(nn.Linear(2 * SIZE, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
        self.target = copy.deepcopy(self.q).requires_grad_(False)
        self.opt = torch.optim.Adam(self.q.parameters(), lr=lr)
        self.memory, self.gamma = collections.deque(maxlen=3000), gamma

    def act(self, state, epsilon):
        if random.random() < epsilon:
            return random.randrange(4)
        with torch.no_grad():
            return int(self.q(state).argmax())

    def td_error(self, batch):
        states, actions = torch.stack(batch.state), torch.tensor(batch.action)
        rewards, done = torch.tensor(batch.reward), torch.tensor(batch.done, dtype=torch.float32)
        value = self.q(states).gather(1, actions[:, None])
        with torch.no_grad():
            best = self.target(torch.stack(batch.next_state)).max(1).values
        return value - (rewards + self.gamma * (1 - done) * best)

    def learn(self, batch_size=64):
        if len(self.memory) < 200:
            return None
        batch = Transition(*zip(*random.sample(self.memory, batch_size)))
        delta = self.td_error(batch)
        loss = torch.where(delta.abs() < 1, 0.5 * delta ** 2, delta.abs() - 0.5).mean()
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.item()


def main(episodes=150):
    random.seed(4)
    torch.manual_seed(4)
    env, agent, updates = Grid(), Agent(), 0
    rewards, losses = [], []
    for episode in range(episodes):
        state, over, total = env.reset(), False, 0.0
        while not over:
            action = agent.act(state, max(0.05, 1 - episode / 60))
            following, reward, done, over = env.step(action)
            agent.memory.append(Transition(state, action, reward, following, done))
            state, total = following, total + reward
            loss = agent.learn()
            if loss is not None:
                losses.append(loss)
                updates += 1
                if updates % 100 == 0:
                    agent.target.load_state_dict(agent.q.state_dict())
        rewards.append(total)
        if (episode + 1) % 50 == 0:
            print(f"episode {episode + 1} reward {sum(rewards[-50:]) / 50:.3f} loss {sum(losses[-100:]) / 100:.4f}")


main()
