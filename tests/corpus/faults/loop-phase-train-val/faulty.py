import torch
import torch.nn.functional as F
from sklearn.datasets import make_classification
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(15)

features, labels = make_classification(n_samples=1500, n_features=24, n_informative=10, n_classes=4,
                                       class_sep=0.9, flip_y=0.08, random_state=15)
features = torch.as_tensor(features, dtype=torch.float32)
features = (features - features[:700].mean(0)) / features[:700].std(0)
labels = torch.as_tensor(labels)
sets = {
    "train": TensorDataset(features[:700], labels[:700]),
    "val": TensorDataset(features[700:1000], labels[700:1000]),
    "test": TensorDataset(features[1000:], labels[1000:]),
}
loaders = {name: DataLoader(ds, batch_size=25, shuffle=name != "test") for name, ds in sets.items()}

model = nn.Sequential(nn.Linear(24, 100), nn.Tanh(), nn.Dropout(0.1), nn.Linear(100, 40), nn.Tanh(), nn.Linear(40, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, weight_decay=1e-4)

for epoch in range(18):
    line = f"epoch {epoch:2d}"
    for phase in ("train", "val"):
        model.train() if phase == "train" else model.eval()
        total = hits = 0
        for xb, yb in loaders[phase]:
            out = model(xb)
            loss = F.cross_entropy(out, yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
            hits += (out.argmax(1) == yb).sum().item()
        line += f"  {phase} loss {total / len(sets[phase]):.3f} acc {hits / len(sets[phase]):.3f}"
    print(line)

model.eval()
with torch.no_grad():
    hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in loaders["test"])
print(f"val acc {line.split()[-1]} test acc {hits / len(sets['test']):.3f}")
