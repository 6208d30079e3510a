import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


class DigitImages(Dataset):
    def __init__(self, images, targets):
        self.images = images
        self.targets = targets

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, i):
        img = torch.tensor(self.images[i], dtype=torch.float32).unsqueeze(0)
        return (img - 4.9) / 6.0, int(self.targets[i])


class LeNetSmall(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(96, 48), nn.ReLU(), nn.Linear(48, 10))

    def forward(self, x):
        return self.classifier(self.features(x))


torch.manual_seed(42)
digits = load_digits()
x_train, x_val, y_train, y_val = train_test_split(digits.images, digits.target, test_size=0.2, random_state=0)
train_loader = DataLoader(DigitImages(x_train, y_train), batch_size=32, shuffle=True)
val_loader = DataLoader(DigitImages(x_val, y_val), batch_size=64)

net = LeNetSmall()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

for epoch in range(5):
    net.train()
    train_loss = 0.0
    for image, label in train_loader:
        optimizer.zero_grad()
        output = net(image)
        loss = criterion(output, label)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    net.eval()
    correct = 0
    with torch.no_grad():
        for image, label in val_loader:
            correct += (net(image).argmax(1) == label).sum().item()
    print(f"Epoch {epoch + 1}: train loss {train_loss / len(train_loader):.4f}, val accuracy {correct / len(y_val):.4f}")
