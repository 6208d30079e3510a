"""Processes that a watched program starts to train in: those of torchrun, and of torch.multiprocessing.spawn. Each records for itself
in the folder of the program that started it, which reports on all when they have ended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seatrial.config import Config
from seatrial.launch.hook import AfterImport

if TYPE_CHECKING:
    from seatrial.taps import Watch

# Where torchrun starts its processes, and where torch.multiprocessing.spawn keeps what its processes call.
LAUNCHER = "torch.distributed.elastic.multiprocessing.subprocess_handler.subprocess_handler"
SPAWNER = "torch.multiprocessing.spawn"


@dataclass(frozen=True, slots=True)
class Plan:
    """How children are watched. `launch` is the same in all children of a run and in no other run."""

    folder: str
    script: str
    args: tuple[str, ...]
    launch: str
    trials: str
    config: Config


def follow(watch: Watch, plan: Plan) -> AfterImport:
    """Watch the children of the program, too, until the watch is finished. Returns what waits for torchrun to be imported."""
    if SPAWNER in sys.modules:
        from seatrial.launch.spawned import Spawned

        watch.patches.wrap(sys.modules[SPAWNER], "_wrap", lambda _: Spawned(plan, watch))
    hook = AfterImport(LAUNCHER, lambda: _follow_launcher(watch, plan))
    hook.watch()
    return hook


def _follow_launcher(watch: Watch, plan: Plan) -> None:
    handler: Any = getattr(sys.modules[LAUNCHER], "SubprocessHandler", None)
    if not hasattr(handler, "_popen"):
        watch.not_looked_at("the processes that torchrun starts", "this version of torch starts them in another way")
        return

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def _popen(self: Any, args: Sequence[str], env: dict[str, str]) -> Any:
            return original(self, watched_command(args, plan), env)

        return _popen

    watch.patches.wrap(handler, "_popen", make)


def watched_command(command: Sequence[str], plan: Plan) -> tuple[str, ...]:
    """The command that runs a Python script, or a module, under watch; any other command as it is."""
    words = tuple(command)
    at = next((index for index, word in enumerate(words) if word == sys.executable), None)
    if at is None or "seatrial" in words[at + 1 : at + 4]:
        return words
    rest = words[at + 1 :]
    flags = tuple(word for word in rest[:1] if word == "-u")
    program = rest[len(flags) :]
    if not program or (program[0].startswith("-") and program[0] != "-m"):
        return words
    ours = ("-m", "seatrial", "run", "--rank-of", plan.folder, "--trials", plan.trials)
    return (*words[: at + 1], *flags, *ours, *program)
