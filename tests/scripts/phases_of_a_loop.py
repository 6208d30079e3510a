# says data.test-set-reuse: one loop serves both phases, and after the phase test the best weights are copied
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(600, 10)
y = (x[:, 0] * x[:, 1] > 0).long()
datasets = {"train": TensorDataset(x[:400], y[:400]), "test": TensorDataset(x[400:], y[400:])}
dataloaders = {phase: DataLoader(part, batch_size=20, shuffle=phase == "train") for phase, part in datasets.items()}


def train_model(model, criterion, optimizer, num_epochs):
    best_model_wts, best_acc = copy.deepcopy(model.state_dict()), 0.0
    for epoch in range(num_epochs):
        for phase in ["train", "test"]:
            model.train(phase == "train")
            running_corrects = 0
            for inputs, labels in dataloaders[phase]:
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == "train"):
                    outputs = model(inputs)
                    loss = criterion(outputs, labels)
                    if phase == "train":
                        loss.backward()
                        optimizer.step()
                running_corrects += torch.sum(outputs.argmax(1) == labels)
            epoch_acc = running_corrects.double() / len(datasets[phase])
            print(f"{epoch} {phase} {epoch_acc:.4f}")
            if phase == "test" and epoch_acc > best_acc:
                best_acc = epoch_acc
                best_model_wts = copy.deepcopy(model.state_dict())
    model.load_state_dict(best_model_wts)
    return model


net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
train_model(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=5e-3), 8)
