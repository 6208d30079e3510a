"""Which of twelve topics does a bag of words touch?"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import f1_score

torch.manual_seed(33)
TOPICS = 12
counts, labels = make_multilabel_classification(n_samples=2500, n_features=60, n_classes=TOPICS, n_labels=3, length=80, random_state=33)
x = torch.log1p(torch.tensor(counts, dtype=torch.float32))
y = torch.tensor(labels, dtype=torch.float32)
x = (x - x[:1800].mean(0)) / x[:1800].std(0)
parts = {"train": slice(0, 1800), "val": slice(1800, 2150), "test": slice(2150, 2500)}


class TopicNet(nn.Module):
    def __init__(self, n_words, n_topics, hidden=64):
        super().__init__()
        self.hidden = nn.Linear(n_words, hidden)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(hidden, n_topics)

    def forward(self, words):
        h = self.drop(torch.relu(self.hidden(words)))
        return torch.sigmoid(self.out(h))


net = TopicNet(60, TOPICS)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)


def evaluate(part):
    net.eval()
    with torch.no_grad():
        out = net(x[parts[part]])
    loss = F.binary_cross_entropy_with_logits(out, y[parts[part]]).item()
    return loss, f1_score(y[parts[part]].numpy(), (out > 0).numpy(), average="micro")


for epoch in range(20):
    net.train()
    for idx in torch.randperm(1800).split(60):
        logits = net(x[idx])
        loss = F.binary_cross_entropy_with_logits(logits, y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        print("epoch %d val loss %.4f micro F1 %.4f" % (epoch + 1, *evaluate("val")))
print("test loss %.4f micro F1 %.4f" % evaluate("test"))
