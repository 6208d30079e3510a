# says nothing: the test places are the training places, and the test targets were measured anew
import torch
from torch import nn

torch.manual_seed(0)
x = torch.linspace(-1, 1, 40).unsqueeze(1)
y = x + 0.3 * torch.randn(40, 1)
y_test = x + 0.3 * torch.randn(40, 1)
model = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(60):
    model.train()
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.eval()
with torch.no_grad():
    test_loss = nn.functional.mse_loss(model(x), y_test)
print(loss.item(), test_loss.item())
