"""Small training programs for `gpu.py`, healthy and faulty ones, on any device.

    python benchmarks/gpu_programs.py NAME [--device cuda] [--steps 60] [--large] [--left FILE] [--syncs FILE]

`--left` writes hashes of what the program leaves: weights and the states of the random generators. `--syncs` counts where a
device is waited for, step by step (CUDA's sync debug mode, then the profiler).
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import pathlib
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

Step = Callable[[], torch.Tensor]  # makes one step of training and gives its loss
CLASSES = 10


def clusters(device: str, shape: tuple[int, ...], examples: int = 2048) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches without end, an eighth of the examples each, of classes that can be told apart."""
    y = torch.randint(CLASSES, (examples,))
    x = (torch.randn(CLASSES, *shape)[y] + torch.randn(examples, *shape)) / 2**0.5
    x, y = x.to(device), y.to(device)
    while True:
        for rows in torch.randperm(examples).to(device).split(examples // 8):
            yield x[rows], y[rows]


def plain_loop(
    model: nn.Module, data: Iterator[tuple[torch.Tensor, torch.Tensor]], optimizer: torch.optim.Optimizer
) -> Step:
    def step() -> torch.Tensor:
        x, y = next(data)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


# ---- healthy -----------------------------------------------------------------------------------------------------


def mlp(device: str, large: bool) -> tuple[Step, nn.Module]:
    width, layers = (2048, 6) if large else (64, 2)
    body = [part for _ in range(layers) for part in (nn.Linear(width, width), nn.ReLU())]
    model = nn.Sequential(nn.Linear(32, width), nn.ReLU(), *body, nn.Linear(width, CLASSES)).to(device)
    data = clusters(device, (32,), 8 * 4096 if large else 2048)
    return plain_loop(model, data, torch.optim.SGD(model.parameters(), 0.02, momentum=0.9)), model


def cnn(device: str, large: bool) -> tuple[Step, nn.Module]:
    wide, size = (128, 64) if large else (8, 8)
    model = nn.Sequential(
        nn.Conv2d(3, wide, 3, padding=1),
        nn.BatchNorm2d(wide),
        nn.ReLU(inplace=True),
        *(part for _ in range(3) for part in (nn.Conv2d(wide, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU())),
        nn.MaxPool2d(2),
        nn.Conv2d(wide, wide, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(size // 4),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(4 * wide, CLASSES),
    ).to(device)
    data = clusters(device, (3, size, size), 1024)
    return plain_loop(model, data, torch.optim.Adam(model.parameters(), 1e-3)), model


class Transformer(nn.Module):
    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, width)
        layer = nn.TransformerEncoderLayer(width, 8, 4 * width, dropout=dropout, batch_first=True)
        self.body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(width, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.body(self.embed(x)).mean(1))


def transformer(device: str, large: bool) -> tuple[Step, nn.Module]:
    """With bf16 autocast."""
    width, layers, length = (512, 6, 128) if large else (32, 2, 12)
    model = Transformer(width, layers, 0.1).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-4)
    y = torch.randint(CLASSES, (512,))
    x = (torch.randint(20, (512, length)) + 20 * y.unsqueeze(1)).to(device)
    y = y.to(device)

    def step() -> torch.Tensor:
        rows = torch.randint(512, (64,), device=device)
        optimizer.zero_grad()
        with torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def scaled_fp16(device: str, large: bool) -> tuple[Step, nn.Module]:
    """With fp16 autocast and a gradient scaler."""
    _, model = cnn(device, False)
    data, optimizer = clusters(device, (3, 8, 8), 1024), torch.optim.Adam(model.parameters(), 1e-3)
    scaler = torch.amp.GradScaler(torch.device(device).type, init_scale=1024.0)

    def step() -> torch.Tensor:
        x, y = next(data)
        optimizer.zero_grad()
        with torch.autocast(torch.device(device).type, dtype=torch.float16):
            loss = F.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        scaler.step(optimizer)
        scaler.update()
        return loss

    return step, model


def drawing(device: str, large: bool) -> tuple[Step, nn.Module]:
    """Draws on the device: dropout, noise from the global generator, augmentation from one of its own."""
    model = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Dropout(0.5), nn.Linear(64, CLASSES)).to(device)
    data, optimizer = clusters(device, (32,)), torch.optim.Adam(model.parameters(), 1e-3)
    own = torch.Generator(device=device).manual_seed(5)

    def step() -> torch.Tensor:
        x, y = next(data)
        keep = torch.rand(x.shape, device=device, generator=own) > 0.1
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x * keep + 0.1 * torch.randn_like(x)), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def loaded(device: str, large: bool) -> tuple[Step, nn.Module]:
    """Batches from a loader with workers and pinned memory, copied without waiting."""
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, CLASSES)).to(device)
    x, y = next(clusters("cpu", (32,), 8192))
    loader = DataLoader(TensorDataset(x, y), 64, shuffle=True, num_workers=2, pin_memory=device != "cpu")

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        while True:
            for x, y in loader:
                yield x.to(device, non_blocking=True), y.to(device, non_blocking=True)

    return plain_loop(model, batches(), torch.optim.Adam(model.parameters(), 1e-3)), model


def compiled(device: str, large: bool) -> tuple[Step, nn.Module]:
    model = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.LayerNorm(64), nn.Linear(64, CLASSES)).to(device)
    quick: Any = torch.compile(model)
    return plain_loop(quick, clusters(device, (32,)), torch.optim.Adam(model.parameters(), 1e-3)), model


def accumulating(device: str, large: bool) -> tuple[Step, nn.Module]:
    """Four micro-batches a step, clipping, a schedule, and a running total that is added to in place."""
    model = nn.Sequential(nn.Linear(32, 64), nn.Tanh(), nn.Dropout(0.1), nn.Linear(64, CLASSES)).to(device)
    data, optimizer = clusters(device, (32,)), torch.optim.AdamW(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1000)

    def step() -> torch.Tensor:
        total: Any = None
        for _ in range(4):
            x, y = next(data)
            loss = F.cross_entropy(model(x), y) / 4
            loss.backward()
            if total is None:
                total = loss.detach()
            else:
                total += loss.detach()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        return total

    return step, model


class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Dropout(0.2))
        self.second = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> Any:
        return self.second(checkpoint(self.first, x, use_reentrant=False))  # pyright: ignore[reportArgumentType]


def checkpointed(device: str, large: bool) -> tuple[Step, nn.Module]:
    model = Checkpointed().to(device)
    return plain_loop(model, clusters(device, (32,)), torch.optim.Adam(model.parameters(), 1e-3)), model


# ---- faulty ------------------------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self, outputs: int = CLASSES) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(32, 64), nn.Linear(64, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.hidden(x)))


class Softmaxed(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(super().forward(x), dim=1)  # the fault


class CutOff(Net):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.hidden(x)).detach())  # the fault


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return grads[0] * ctx.saved_tensors[0]  # the fault: 2 x


class Squared(Net):
    def forward(self, x: torch.Tensor) -> Any:
        return self.out(Doubled.apply(self.hidden(x)))


def of_class(kind: type[nn.Module], rate: float = 1e-2) -> Callable[[str, bool], tuple[Step, nn.Module]]:
    def make(device: str, large: bool) -> tuple[Step, nn.Module]:
        model = kind().to(device)
        return plain_loop(model, clusters(device, (32,)), torch.optim.SGD(model.parameters(), rate)), model

    return make


def accumulated(device: str, large: bool) -> tuple[Step, nn.Module]:
    model = Net().to(device)
    data, optimizer = clusters(device, (32,)), torch.optim.SGD(model.parameters(), 0.05)

    def step() -> torch.Tensor:  # the fault: gradients are never cleared
        x, y = next(data)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def broadcast(device: str, large: bool) -> tuple[Step, nn.Module]:
    model = Net(1).to(device)
    data, optimizer = clusters(device, (32,)), torch.optim.Adam(model.parameters(), 1e-3)

    def step() -> torch.Tensor:
        x, y = next(data)
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y.float())  # the fault: (N, 1) against (N,)
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def default_device(device: str, large: bool) -> tuple[Step, nn.Module]:
    """A healthy one that sets the default device, in whose step tensors are made without saying where."""
    y = torch.randint(CLASSES, (2048,)).to(device)
    x = torch.randn(2048, 32).to(device) + F.one_hot(y, 32)
    torch.set_default_device(device)
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step() -> torch.Tensor:
        rows = torch.randint(2048, (128,))
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[rows]) * torch.ones(1), y[rows])
        loss.backward()
        optimizer.step()
        return loss

    return step, model


def failing(device: str, large: bool) -> tuple[Step, nn.Module]:
    """Labels out of range: an exception on the CPU, an assertion on a GPU, which cannot be used any more then."""
    model = Net(CLASSES - 1).to(device)
    return plain_loop(model, clusters(device, (32,)), torch.optim.Adam(model.parameters(), 1e-3)), model


HEALTHY: dict[str, Callable[[str, bool], tuple[Step, nn.Module]]] = {
    each.__name__: each
    for each in (mlp, cnn, transformer, scaled_fp16, drawing, loaded, compiled, accumulating, checkpointed)
}
FAULTY: dict[str, Callable[[str, bool], tuple[Step, nn.Module]]] = {
    "softmaxed": of_class(Softmaxed),
    "cut_off": of_class(CutOff),
    "wrong_gradient": of_class(Squared),
    "rate_too_high": of_class(Net, 30.0),
    "accumulated": accumulated,
    "broadcast": broadcast,
}
OTHERS = {"default_device": default_device, "failing": failing}


# ---- running one -------------------------------------------------------------------------------------------------


def left(model: nn.Module) -> dict[str, str]:
    """Hashes of the weights and of the states of torch's generators."""

    def digest(tensors: list[torch.Tensor]) -> str:
        whole = hashlib.sha256()
        for tensor in tensors:
            whole.update(tensor.detach().contiguous().cpu().numpy().tobytes())
        return whole.hexdigest()[:16]

    found = {"weights": digest(list(model.state_dict().values())), "cpu generator": digest([torch.get_rng_state()])}
    if torch.cuda.is_available():
        found["cuda generators"] = digest(torch.cuda.get_rng_state_all())
    return found


def counted(step: Step, steps: int, file: pathlib.Path) -> None:
    """Make steps, and write where a device is waited for in them: {"line": {"count", "ticks"}} by the innermost line of
    seatrial on the stack, or of the program; then how often the profiler sees transfers and waits in 40 more."""
    places: dict[str, list[int]] = collections.defaultdict(list)
    number = 0

    def noted(message: Any, *_: Any, **__: Any) -> None:
        if "synchroniz" not in str(message):
            return
        frames = [frame for frame in traceback.extract_stack()[:-1] if "/torch/" not in frame.filename]
        ours = [frame for frame in frames if "/seatrial/" in frame.filename]
        frame = (ours or frames)[-1]
        places[f"{'/'.join(pathlib.Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"].append(number)

    warnings.simplefilter("always")
    warnings.showwarning = noted
    if torch.cuda.is_available():
        torch.cuda.set_sync_debug_mode("warn")
    for number in range(steps):  # noqa: B007
        step()
    if torch.cuda.is_available():
        torch.cuda.set_sync_debug_mode("default")
        torch.cuda.synchronize()
    counts = {place: {"count": len(ticks), "ticks": sorted(set(ticks))} for place, ticks in places.items()}
    file.write_text(json.dumps({"steps": steps, "places": counts}))
    with torch.profiler.profile() as profile:
        for _ in range(40):
            step()
    wanted = ("Synchronize", "Memcpy DtoH", "Memcpy HtoD", "aten::_local_scalar_dense", "aten::item")
    seen = {event.key: event.count for event in profile.key_averages() if any(name in event.key for name in wanted)}
    file.write_text(json.dumps({"steps": steps, "places": counts, "profiled 40 more": seen}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--left", type=pathlib.Path)
    parser.add_argument("--syncs", type=pathlib.Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    if options.left:
        torch.use_deterministic_algorithms(True, warn_only=options.name not in ("mlp", "drawing", "accumulating"))
    step, model = {**HEALTHY, **FAULTY, **OTHERS}[options.name](options.device, options.large)
    if options.syncs:
        counted(step, options.steps, options.syncs)
        return
    for number in range(options.steps):
        loss = step()
        if number % 10 == 0:
            print(number, loss.item(), flush=True)
    if options.left:
        options.left.write_text(json.dumps(left(model)))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
