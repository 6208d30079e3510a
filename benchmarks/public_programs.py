"""The public programs of benchmarks/public.py: where each comes from, on what data it runs, with which arguments."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import public_data


def split(command: str) -> tuple[str, ...]:
    return tuple(command.split())


@dataclass(frozen=True)
class Program:
    """A program of somebody else. `folder`: in its clone, copied to a scratch folder in which it runs."""

    name: str
    clone: str
    folder: str
    command: tuple[str, ...]
    length: int = 0  # what stands for {length} in the command
    prepare: Callable[[dict[str, pathlib.Path], pathlib.Path], None] = lambda clones, work: None
    environment: tuple[tuple[str, str], ...] = ()

    def started(self, share: float) -> tuple[str, ...]:
        """The command of a run of a share of the usual length."""
        return tuple(part.format(length=max(1, round(share * self.length))) for part in self.command)


def _words(clones: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    public_data.words(clones["examples"], work / "text")


def _graph(clones: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    public_data.graph(work / "cora.tgz")


def _photographs(clones: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    public_data.photographs(work / "dataset/BSDS300/images")


def _waves(clones: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    subprocess.run([sys.executable, "generate_sine_wave.py"], cwd=work, check=True)


def _characters(clones: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    public_data.characters(clones["examples"], work / "input.txt")


def _prepared_characters(clones: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    public_data.characters(clones["examples"], work / "data/shakespeare_char/input.txt")
    subprocess.run([sys.executable, "prepare.py"], cwd=work / "data/shakespeare_char", check=True, capture_output=True)


PROGRAMS = (
    Program("mnist", "examples", "mnist", split("main.py --epochs {length} --save-model"), 8),
    Program("vae", "examples", "vae", split("main.py --epochs {length}"), 60),
    Program("word_lstm", "examples", "word_language_model", split("main.py --data text --epochs {length}"), 3, _words),
    Program(
        "word_transformer",
        "examples",
        "word_language_model",
        split("main.py --data text --epochs {length} --model Transformer --lr 5"),
        3,
        _words,
    ),
    Program("siamese", "examples", "siamese_network", split("main.py --epochs {length} --save-model"), 3),
    Program("gcn", "examples", "gcn", split("main.py --epochs {length}"), 1000, _graph),
    Program("gat", "examples", "gat", split("main.py --epochs {length} --val-every 2"), 12, _graph),
    Program(
        "time_sequence",
        "examples",
        "time_sequence_prediction",
        split("train.py --steps {length}"),
        1,
        _waves,
        # The file that its own generator writes is refused by a torch newer than the program: an array, not weights alone.
        (("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1"),),
    ),
    Program("mnist_rnn", "examples", "mnist_rnn", split("main.py --epochs {length} --save-model"), 20),
    Program("regression", "examples", "regression", ("main.py",)),
    Program(
        "super_resolution",
        "examples",
        "super_resolution",
        split("main.py --upscale_factor 3 --batchSize 4 --nEpochs {length} --lr 0.001 --threads 0"),
        8,
        _photographs,
    ),
    Program(
        "forward_forward",
        "examples",
        "mnist_forward_forward",
        split("main.py --epochs {length} --train_size 1000"),
        300,
    ),
    Program(
        "dcgan",
        "examples",
        "dcgan",
        split("main.py --dataset mnist --dataroot . --ngf 16 --ndf 16 --niter {length} --workers 0 --manualSeed 1"),
        4,
    ),
    Program("reinforce", "examples", "reinforcement_learning", ("reinforce.py",)),
    Program("actor_critic", "examples", "reinforcement_learning", ("actor_critic.py",)),
    Program(
        "mingpt_adder",
        "mingpt",
        "projects/adder",
        split("adder.py --trainer.max_iters={length} --trainer.num_workers=0"),
        1001,  # so that it scores, and may save, three times
    ),
    Program(
        "mingpt_chars",
        "mingpt",
        "projects/chargpt",
        split("chargpt.py --trainer.max_iters={length} --trainer.num_workers=0 --model.model_type=gpt-nano"),
        200,
        _characters,
    ),
    Program("makemore", "makemore", ".", split("makemore.py --max-steps {length} --num-workers 0"), 1101),
    Program(
        "nanogpt",
        "nanogpt",
        ".",
        split(
            "train.py config/train_shakespeare_char.py --device=cpu --dtype=float32 --compile=False --eval_iters=10 "
            "--eval_interval=100 --log_interval=10 --block_size=64 --batch_size=12 --n_layer=4 --n_head=4 --n_embd=128 "
            "--max_iters={length} --lr_decay_iters={length} --dropout=0.0"
        ),
        300,
        _prepared_characters,
    ),
)
