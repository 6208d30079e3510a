"""Handwritten digits, read by a small vision transformer that the Trainer of transformers trains.

    seatrial run examples/frameworks/transformers_digits.py
"""
import tempfile

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification, set_seed

set_seed(0)

# ---- data: 1797 images of 8 x 8 pixels, values 0 to 16 ------------------
digits = load_digits()
x_rest, x_test, y_rest, y_test = train_test_split(
    digits.images, digits.target, test_size=300, random_state=0, stratify=digits.target)
x_train, x_val, y_train, y_val = train_test_split(
    x_rest, y_rest, test_size=300, random_state=0, stratify=y_rest)


class Digits(Dataset):
    def __init__(self, images, labels):
        self.images = torch.tensor(images / 8.0 - 1.0, dtype=torch.float32).unsqueeze(1)
        self.labels = torch.tensor(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return {"pixel_values": self.images[i], "labels": self.labels[i]}


# ---- network ------------------------------------------------------------
model = ViTForImageClassification(ViTConfig(
    image_size=8, patch_size=2, num_channels=1, num_labels=10,
    hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64))


def accuracy(prediction):
    return {"accuracy": (prediction.predictions.argmax(axis=1) == prediction.label_ids).mean()}


# ---- training -----------------------------------------------------------
with tempfile.TemporaryDirectory() as folder:
    trainer = Trainer(
        model,
        TrainingArguments(
            folder, num_train_epochs=6, per_device_train_batch_size=32, per_device_eval_batch_size=100,
            learning_rate=3e-3, warmup_steps=20, weight_decay=0.01, eval_strategy="epoch", logging_steps=20,
            save_strategy="no", report_to="none", disable_tqdm=True, use_cpu=True),
        train_dataset=Digits(x_train, y_train),
        eval_dataset=Digits(x_val, y_val),
        compute_metrics=accuracy)
    trainer.train()
    print(f"test accuracy {trainer.predict(Digits(x_test, y_test)).metrics['test_accuracy']:.3f}")
