"""Document routing: a bag-of-words encoder learned on topics is moved to a new label set."""
import torch
from torch import nn

WORDS = 200


def documents(n, classes, seed, word_seed):
    gen = torch.Generator().manual_seed(seed)
    taste = torch.randn(classes, WORDS, generator=torch.Generator().manual_seed(word_seed)).mul(1.1).softmax(1)
    y = torch.randint(classes, (n,), generator=gen)
    mixed = 0.7 * taste[y] + 0.3 / WORDS
    words = torch.multinomial(mixed, 30, replacement=True, generator=gen)
    return words, y


class TextNet(nn.Module):
    def __init__(self, classes, d=32):
        super().__init__()
        self.words = nn.EmbeddingBag(WORDS, d, mode="mean")
        self.hidden = nn.Linear(d, 64)
        self.classifier = nn.Linear(64, classes)

    def forward(self, words):
        return self.classifier(torch.relu(self.hidden(self.words(words))))


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = self.configure_optimizer(lr)
        self.loss_fn = nn.CrossEntropyLoss()

    def configure_optimizer(self, lr):
        return torch.optim.Adam(self.model.parameters(), lr=lr)

    def fit(self, words, y, epochs, batch=50):
        for _ in range(epochs):
            self.model.train()
            for rows in torch.randperm(len(y)).split(batch):
                loss = self.loss_fn(self.model(words[rows]), y[rows])
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def accuracy(self, words, y):
        self.model.eval()
        return (self.model(words).argmax(1) == y).float().mean().item()


class TransferTrainer(Trainer):
    def __init__(self, model, classes, lr):
        model.classifier = nn.Linear(model.classifier.in_features, classes)
        super().__init__(model, lr)


def main():
    torch.manual_seed(5)
    model = TextNet(6)
    source = Trainer(model, lr=5e-3)
    loss = source.fit(*documents(1500, 6, 1, 100), epochs=8)
    print(f"source loss {loss:.3f} accuracy {source.accuracy(*documents(400, 6, 2, 100)):.3f}")
    target = TransferTrainer(model, classes=10, lr=2e-3)
    for _ in range(4):
        loss = target.fit(*documents(800, 10, 3, 200), epochs=4)
        print(f"target loss {loss:.3f} accuracy {target.accuracy(*documents(400, 10, 4, 200)):.3f}")


if __name__ == "__main__":
    main()
