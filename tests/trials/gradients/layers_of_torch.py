"""Correct layers, losses and functions of torch, each with inputs: their gradients are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

Case = tuple[Callable[..., Any], tuple[Any, ...]]
CASES: dict[str, Callable[[], Case]] = {}


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, requires_grad=True)


def case(name: str, make: Callable[[], Case]) -> None:
    assert name not in CASES
    CASES[name] = make


def layer(name: str, make: Callable[[], nn.Module], *shape: int) -> None:
    case(name, lambda: (make(), (randn(*shape),)))


class Attention(nn.Module):
    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, dropout, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x)[0]


class Padded(nn.Module):
    """An LSTM over packed sequences of several lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, [4, 2], batch_first=True)
        return self.lstm(packed)[1][0]


def zeros_through_relu() -> Case:
    """Everything lies exactly on kinks: biases of zero, an input of zeros."""
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    for part in (net[0], net[2]):
        nn.init.zeros_(part.bias)
    return net, (torch.zeros(3, 4, requires_grad=True),)


def ties_in_pooling() -> Case:
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 2))
    return net, ((torch.arange(32).reshape(2, 1, 4, 4) % 2).float().requires_grad_(True),)


def trained() -> Case:
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    x = torch.randn(64, 5)
    y = x.sin().sum(1, keepdim=True)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(100):
        optimizer.zero_grad()
        F.mse_loss(net(x), y).backward()
        optimizer.step()
    return lambda value: F.mse_loss(net(value), y[:8]), (x[:8].clone().requires_grad_(True),)


ACTIVATIONS = (
    "ReLU ReLU6 LeakyReLU PReLU ELU CELU SELU GELU SiLU Mish Hardtanh Hardswish Hardsigmoid Hardshrink Softshrink Softplus "
    "Softsign Tanhshrink Tanh Sigmoid LogSigmoid RReLU"
).split()
for activation in ACTIVATIONS:
    layer(activation, lambda activation=activation: getattr(nn, activation)(), 4, 6)

layer("Threshold", lambda: nn.Threshold(0.1, 0.0), 4, 6)
layer("GLU", nn.GLU, 4, 6)
layer("Softmax", lambda: nn.Softmax(1), 4, 6)
layer("LogSoftmax", lambda: nn.LogSoftmax(1), 4, 6)
layer("Linear", lambda: nn.Linear(6, 3), 4, 6)
case("Bilinear", lambda: (nn.Bilinear(3, 4, 5), (randn(2, 3), randn(2, 4))))
layer("Conv1d", lambda: nn.Conv1d(3, 4, 3, stride=2), 2, 3, 9)
layer("Conv2d", lambda: nn.Conv2d(3, 4, 3, padding=1, groups=1, dilation=2), 2, 3, 6, 6)
layer("grouped Conv2d", lambda: nn.Conv2d(4, 4, 3, groups=2), 2, 4, 5, 5)
layer("Conv3d", lambda: nn.Conv3d(1, 2, 2), 1, 1, 4, 4, 4)
layer("ConvTranspose2d", lambda: nn.ConvTranspose2d(2, 3, 3, stride=2), 2, 2, 4, 4)
layer("MaxPool2d", lambda: nn.MaxPool2d(2), 2, 2, 6, 6)
layer("AvgPool2d", lambda: nn.AvgPool2d(2), 2, 2, 6, 6)
layer("AdaptiveMaxPool2d", lambda: nn.AdaptiveMaxPool2d(2), 2, 2, 5, 5)
layer("AdaptiveAvgPool2d", lambda: nn.AdaptiveAvgPool2d(2), 2, 2, 5, 5)
layer("FractionalMaxPool2d", lambda: nn.FractionalMaxPool2d(2, output_size=3), 2, 2, 7, 7)
layer("LPPool2d", lambda: nn.LPPool2d(2, 2), 2, 2, 6, 6)
layer("BatchNorm1d", lambda: nn.BatchNorm1d(5), 6, 5)
layer("BatchNorm2d in training", lambda: nn.BatchNorm2d(3), 4, 3, 4, 4)
layer("BatchNorm2d in evaluation", lambda: nn.BatchNorm2d(3).eval(), 4, 3, 4, 4)
layer("InstanceNorm2d", lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True), 2, 3, 4, 4)
layer("LayerNorm", lambda: nn.LayerNorm(6), 4, 6)
layer("GroupNorm", lambda: nn.GroupNorm(2, 4), 3, 4, 5)
layer("RMSNorm", lambda: nn.RMSNorm(6), 4, 6)
layer("LocalResponseNorm", lambda: nn.LocalResponseNorm(3), 2, 5, 4)
layer("Dropout", lambda: nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 2)), 4, 6)
layer("Dropout2d", lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Dropout2d(0.5)), 2, 1, 5, 5)
layer("AlphaDropout", lambda: nn.AlphaDropout(0.3), 4, 6)
layer("attention", lambda: Attention(0.0), 2, 4, 8)
layer("attention with dropout", lambda: Attention(0.2), 2, 4, 8)
layer("TransformerEncoderLayer", lambda: nn.TransformerEncoderLayer(8, 2, 12, 0.1, batch_first=True), 2, 4, 8)
layer("transformer in evaluation", lambda: nn.TransformerEncoderLayer(8, 2, 12, batch_first=True).eval(), 2, 4, 8)
layer("RNN", lambda: nn.RNN(3, 4), 5, 2, 3)
layer("ReLU RNN", lambda: nn.RNN(3, 4, nonlinearity="relu"), 5, 2, 3)
layer("LSTM", lambda: nn.LSTM(3, 4, num_layers=2, dropout=0.3, bidirectional=True), 5, 2, 3)
layer("packed LSTM", Padded, 2, 4, 3)
layer("GRU", lambda: nn.GRU(3, 4), 5, 2, 3)
layer("LSTMCell", lambda: nn.LSTMCell(3, 4), 2, 3)
case("Embedding", lambda: (nn.Embedding(7, 4), (torch.randint(7, (3, 5)),)))
case("Embedding with padding", lambda: (nn.Embedding(7, 4, padding_idx=0), (torch.tensor([[0, 1, 2], [3, 0, 0]]),)))
case("EmbeddingBag", lambda: (nn.EmbeddingBag(7, 4, mode="max"), (torch.randint(7, (3, 5)),)))
layer("PixelShuffle", lambda: nn.PixelShuffle(2), 1, 4, 3, 3)
layer("Upsample", lambda: nn.Upsample(scale_factor=2, mode="bilinear"), 1, 2, 3, 3)
layer("Fold", lambda: nn.Fold((4, 4), 2), 1, 8, 9)
layer("weight norm", lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), 2, 4)
layer("spectral norm", lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3)), 2, 4)
layer("residual", lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 4)), 3, 4)

case("CrossEntropyLoss", lambda: (nn.CrossEntropyLoss(label_smoothing=0.1), (randn(5, 4), torch.randint(4, (5,)))))
case("NLLLoss", lambda: (nn.NLLLoss(torch.rand(4)), (randn(5, 4), torch.randint(4, (5,)))))
case("MSELoss", lambda: (nn.MSELoss(), (randn(5, 4), torch.randn(5, 4))))
case("L1Loss", lambda: (nn.L1Loss(), (randn(5, 4), torch.randn(5, 4))))
case("SmoothL1Loss", lambda: (nn.SmoothL1Loss(), (randn(5, 4), torch.randn(5, 4))))
case("HuberLoss", lambda: (nn.HuberLoss(), (randn(5, 4), torch.randn(5, 4))))
case("BCELoss", lambda: (nn.BCELoss(), (torch.rand(5, requires_grad=True), torch.rand(5))))
case("BCEWithLogitsLoss", lambda: (nn.BCEWithLogitsLoss(), (randn(5), torch.rand(5))))
case("KLDivLoss", lambda: (nn.KLDivLoss(reduction="batchmean"), (randn(5, 4), torch.rand(5, 4))))
case("PoissonNLLLoss", lambda: (nn.PoissonNLLLoss(full=True), (randn(5), torch.randint(6, (5,)).float())))
case("GaussianNLLLoss", lambda: (nn.GaussianNLLLoss(), (randn(5), torch.randn(5), torch.rand(5) + 0.1)))
case("HingeEmbeddingLoss", lambda: (nn.HingeEmbeddingLoss(), (randn(6), torch.tensor([1, -1] * 3))))
case("MarginRankingLoss", lambda: (nn.MarginRankingLoss(0.2), (randn(6), randn(6), torch.tensor([1, -1] * 3))))
case("MultiMarginLoss", lambda: (nn.MultiMarginLoss(), (randn(5, 4), torch.randint(4, (5,)))))
case("TripletMarginLoss", lambda: (nn.TripletMarginLoss(), (randn(5, 4), randn(5, 4), randn(5, 4))))
case(
    "CosineEmbeddingLoss", lambda: (nn.CosineEmbeddingLoss(), (randn(4, 3), randn(4, 3), torch.tensor([1, -1, 1, -1])))
)
case(
    "CTCLoss",
    lambda: (
        lambda scores: nn.CTCLoss()(scores.log_softmax(-1), torch.tensor([[1, 2], [2, 2]]), [6, 6], [2, 2]),
        (randn(6, 2, 4),),
    ),
)

case("sort", lambda: (lambda x: x.sort(1).values * torch.arange(6.0), (randn(3, 6),)))
case("topk", lambda: (lambda x: x.topk(2, 1).values, (randn(3, 6),)))
case("median", lambda: (lambda x: x.median(1).values, (randn(3, 5),)))
case("abs at zero", lambda: (lambda x: x.abs().sum(), (torch.zeros(4, requires_grad=True),)))
case(
    "clamp at its bounds",
    lambda: (lambda x: x.clamp(0, 1) ** 2, (torch.tensor([0.0, 0.5, 1.0, 2.0], requires_grad=True),)),
)
case("ties of a maximum", lambda: (lambda x: x.amax(1), (torch.ones(2, 3, requires_grad=True),)))
case("rounding within", lambda: (lambda x: (x - x.round()) ** 2, (randn(3, 6),)))
case("control flow", lambda: (lambda x: x.sin() if x.sum() > 0 else x.cos(), (randn(3, 4),)))
case("distances", lambda: (torch.cdist, (randn(3, 2), randn(4, 2))))
case(
    "einsum in place",
    lambda: (lambda x, w: torch.einsum("ij,jk->ik", x, w).mul_(2).tanh_(), (randn(3, 4), randn(4, 2))),
)
case("single precision inside", lambda: (lambda x: torch.as_tensor(x.float() * 3).sin(), (randn(3, 4),)))
case(
    "large and small values",
    lambda: (lambda x: x.log().sum(), (torch.tensor([1e-6, 1e-3, 1.0, 1e4], requires_grad=True),)),
)
case("steep", lambda: (lambda x: (50 * x).tanh(), (randn(3, 4),)))
case("huge loss", lambda: (lambda x: 1e9 * x.sin().sum(), (randn(3, 4),)))
case("tiny loss", lambda: (lambda x: 1e-200 * x.sin().sum(), (randn(3, 4),)))
case("cancellation", lambda: (lambda x: (x + 1e6).sum() - 1e6 * x.numel(), (randn(3, 4),)))
case("trained", trained)
case("zeros through ReLU", zeros_through_relu)
case("ties in pooling", ties_in_pooling)
