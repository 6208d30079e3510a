"""Quantisation-aware training with torch.ao's fake-quantising modules."""

import torch
from ending import ending
from torch import nn
from torch.ao.quantization import FakeQuantize, MovingAverageMinMaxObserver

torch.manual_seed(0)
x = torch.randn(256, 16)
y = (x[:, :4].sum(1) > 0).long()


class Layer(nn.Linear):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        kinds = {"dtype": torch.qint8, "quant_min": -128, "quant_max": 127, "qscheme": torch.per_tensor_symmetric}
        self.of_weight = FakeQuantize(observer=MovingAverageMinMaxObserver, **kinds)
        self.of_input = FakeQuantize(observer=MovingAverageMinMaxObserver, quant_min=0, quant_max=255)

    def forward(self, x):
        return nn.functional.linear(self.of_input(x), self.of_weight(self.weight), self.bias)


model = nn.Sequential(Layer(16, 32), nn.ReLU(), Layer(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for _ in range(5):
    for rows in torch.randperm(256).split(32):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
ending(model, loss)
