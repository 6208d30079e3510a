"""Members from saved weights of the task's model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seatrial.practice.ensembles.making import Making
from seatrial.practice.ensembles.member import Member, network
from seatrial.practice.fitting.checkpoints import STATE
from seatrial.practice.refusal import refused
from seatrial.practice.task import Task

_TORCH = (".pt", ".pth", ".ckpt", ".bin")
_HINT = "Give safetensors, or what torch.save(model.state_dict(), file) wrote, of this task's model."
# Where programs put the weights among other things that they save.
_WITHIN = ("state_dict", "model_state_dict", "model")


def checkpoints(making: Making, paths: Sequence[Path]) -> list[Member]:
    """Each file is a member; of a folder all files of weights in it. The same weights twice are one member.

    Raises:
        UsageProblem: there is no such file, or it holds no weights of the task's model.
    """
    found: dict[str, Member] = {}
    for path in _files(paths):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest in found:
            continue
        name = f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', path.stem)}-{digest[:6]}"
        if not making.store.has(name):
            making.told(f"reading {path}")
            making.network(name, f"the file {path.parent.name}/{path.name}", _loaded(making.task, path))
        found[digest] = making.store.member(name)
    return list(found.values())


# ---- inner steps -------------------------------------------------------------------------------------------------


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            inside = [
                each
                for each in sorted(path.iterdir())
                if each.suffix in (".safetensors", *_TORCH) and each.name != STATE
            ]
            if not inside:
                raise refused(f"files of weights in {path}", "none", "ensemble-checkpoints", _HINT)
            yield from inside
        elif path.is_file():
            yield path
        else:
            raise refused("a file or a folder of weights", f"no {path}", "ensemble-checkpoints", "Check the path.")


def _loaded(task: Task, path: Path) -> nn.Module:
    if path.suffix == ".safetensors":
        return network(task, path)
    try:
        held: Any = torch.load(path, map_location="cpu", weights_only=True)  # nothing in it is executed
        within = next((held[name] for name in _WITHIN if isinstance(held.get(name), dict)), held)
        model = task.make().model
        model.load_state_dict(within)
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise refused(f"weights of this task's model in {path}", said, "ensemble-checkpoints", _HINT) from error
    return model
