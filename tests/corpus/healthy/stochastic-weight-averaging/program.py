import torch
import torch.nn as nn
from sklearn.datasets import make_classification
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(116)
x, y = make_classification(2600, 20, n_informative=10, n_classes=4, n_clusters_per_class=1, class_sep=1.0, random_state=116)
x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
x = (x - x[:2000].mean(0)) / x[:2000].std(0)
loader = DataLoader(TensorDataset(x[:2000], y[:2000]), batch_size=50, shuffle=True)
net = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 4))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
averaged = AveragedModel(net)
swa = SWALR(opt, swa_lr=0.02, anneal_epochs=2)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 8, eta_min=0.02)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(14):
    net.train()
    total = 0.0
    for xb, yb in loader:
        opt.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        opt.step()
        total += loss.item()
    if epoch >= 8:
        averaged.update_parameters(net)
        swa.step()
    else:
        cosine.step()
    if epoch % 3 == 1:
        print(f"epoch {epoch} loss {total / len(loader):.3f} lr {opt.param_groups[0]['lr']:.3f}")
update_bn(loader, averaged)
averaged.eval()
with torch.no_grad():
    print(f"averaged model accuracy {(averaged(x[2000:]).argmax(1) == y[2000:]).float().mean().item():.3f}")
