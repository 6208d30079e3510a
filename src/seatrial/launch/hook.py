"""Calls us the moment torch has been imported, so that torch is imported when and as the script wants it.

Importing it earlier would change what a script sees that sets OMP_NUM_THREADS or CUDA_VISIBLE_DEVICES first.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class AfterImport:
    """A finder that stands before all others until its module has been imported, and finds nothing itself.

    A script may look for the module without importing it, or fail to import it and try again: only an import that
    succeeds ends the wait."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self.name = name
        self.then = then

    def watch(self) -> None:
        """Wait for the import; if it has happened already, act at once."""
        if self.name in sys.modules:
            self.then()
        else:
            sys.meta_path.insert(0, self)  # pyright: ignore[reportArgumentType]

    def forget(self) -> None:
        """Wait no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)  # pyright: ignore[reportArgumentType]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Hand on the spec of the module waited for; its loader will tell when it has executed the module."""
        if fullname != self.name:
            return None
        for finder in [finder for finder in sys.meta_path if finder is not self]:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                self._listen(spec.loader)
                return spec
        return None

    def _listen(self, loader: Any) -> None:
        """Put our function before the loader's own, for one execution: the loader stays the object that it is."""
        execute = getattr(loader, "exec_module", None)
        if execute is None or not hasattr(loader, "__dict__"):
            return

        def exec_module(module: ModuleType) -> None:
            execute(module)
            vars(loader).pop("exec_module", None)
            self.forget()
            self.then()

        # By these names Python knows its own import machinery: tracebacks leave it out, `warnings` looks past it.
        exec_module.__code__ = exec_module.__code__.replace(
            co_filename="<frozen importlib._bootstrap>", co_name="_call_with_frames_removed"
        )
        loader.exec_module = exec_module
