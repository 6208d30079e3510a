"""MNIST by name: scikit-learn's 1,797 digits of 8 x 8, enlarged to 28 x 28; the first 1,500 are the training set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch.utils.data import Dataset

TRAINING = 1500


class MNIST(Dataset[Any]):
    """`data` (N, 28, 28) in uint8, `targets` (N,); an item is a grey PIL image, transformed, and its digit."""

    def __init__(
        self, root: str, train: bool = True, transform: Callable[[Any], Any] | None = None, download: bool = False
    ) -> None:
        digits = load_digits()
        chosen = slice(None, TRAINING) if train else slice(TRAINING, None)
        images = [
            np.asarray(Image.fromarray(np.uint8(image * 255 / 16)).resize((28, 28), Image.Resampling.BILINEAR))
            for image in digits.images[chosen]
        ]
        self.data = torch.from_numpy(np.stack(images))
        self.targets = torch.from_numpy(digits.target[chosen].astype(np.int64))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image: Any = Image.fromarray(self.data[index].numpy())
        if self.transform is not None:
            image = self.transform(image)
        return image, int(self.targets[index])
