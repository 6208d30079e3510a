"""A stand-in for torchvision: only what the public programs of benchmarks/public.py call, on data that scikit-learn brings.

With it on PYTHONPATH those programs run unmodified where torchvision cannot be installed or nothing can be downloaded.
"""

from torchvision import datasets, models, transforms, utils

__all__ = ["datasets", "models", "transforms", "utils"]
