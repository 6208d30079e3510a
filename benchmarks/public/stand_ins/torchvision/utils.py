"""Pictures on disk."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image


def save_image(tensor: torch.Tensor, path: str, nrow: int = 8, normalize: bool = False) -> None:
    """A batch (N, channels, height, width) as one grey picture, `nrow` in each row."""
    grey = tensor.detach().to(torch.float32).mean(1)
    if normalize:
        grey = (grey - grey.min()) / (grey.max() - grey.min()).clamp(min=1e-5)
    rows = [torch.cat(list(row), 1) for row in grey.split(nrow) if len(row) == min(nrow, len(grey))]
    picture = torch.cat(rows).clamp(0, 1).mul(255).numpy().astype(np.uint8)
    Image.fromarray(picture).save(path)
