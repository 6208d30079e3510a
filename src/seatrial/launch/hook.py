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
    """A finder that stands before all others until the module that it waits for is found, and finds nothing itself."""

    def __init__(self, name: str, then: Callable[[], None]) -> None:
        self.name = name
        self.then = then

    def watch(self) -> None:
        """Wait for the import; if it has happened already, act at once."""
        if self.name in sys.modules:
            self.then()
        else:
            sys.meta_path.insert(0, self)  # type: ignore[arg-type]

    def forget(self) -> None:
        """Wait no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)  # type: ignore[arg-type]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Hand on the spec of the module waited for, with a loader that tells when the module has been executed."""
        if fullname != self.name:
            return None
        self.forget()
        for finder in list(sys.meta_path):
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                self._tell(spec.loader)
                return spec
        return None

    def _tell(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)
            execute(module)
            self.then()

        loader.exec_module = exec_module
