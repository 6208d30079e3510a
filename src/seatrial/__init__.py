"""seatrial puts a PyTorch training program through its trials. Importing it does not import torch."""

__version__ = "0.1.0"
