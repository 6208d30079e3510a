"""A folder with a folder for each class and its files in it."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seatrial.vault.sources.checks import checked, refused, unknown
from seatrial.vault.sources.digests import digests
from seatrial.vault.sources.source import Block, Content, Form, Mask, Part, Source

KIND = "folder"
_TARGET = "class"
_PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_SIDE = 32
_BLOCK = 256


class FolderSource(Source):
    """Files by class, in the order of their paths; hidden files are left out. Each file is an example.

    Raises:
        UsageProblem: there are no classes, files stand beside them, one is empty, something in it is no file or a link that
            leads outside, or the target is something else than the class.
    """

    suffix = ""

    def __init__(self, path: Path, target: str | None = None) -> None:
        if target not in (None, _TARGET):
            raise unknown(target or "", (_TARGET,), "column")
        self._path = path
        self._root = path.resolve()
        classes = self._classes()
        self._files = [name for one in classes for name in self._below(one)]
        self._pictures = all(name.lower().endswith(_PICTURES) for name in self._files)
        self.form = Form(KIND, _TARGET, (_TARGET,), {"classes": classes})

    def __len__(self) -> int:
        return len(self._files)

    def column(self, name: str) -> NDArray[Any]:
        if name != _TARGET:
            raise unknown(name, (_TARGET,), "column")
        return np.array([_class(file) for file in self._files])

    def blocks(self) -> Iterator[Block]:
        pictures = self._pictures and _has_pillow()
        for start in range(0, len(self._files), _BLOCK):
            files = self._files[start : start + _BLOCK]
            named = digests(self._content(name) for name in files)
            yield Block(named, images=np.stack([self._grey(name) for name in files]) if pictures else None)

    def shards(self, chosen: Mask) -> Iterator[tuple[str, Content]]:
        for name in self._chosen(chosen):
            yield name, self._content(name)

    def write(self, chosen: Mask, to: Path) -> None:
        to.mkdir()
        for one in self.form.settings["classes"]:
            (to / one).mkdir()
        for name in self._chosen(chosen):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self._path / name, to / name)

    def _chosen(self, chosen: Mask) -> Iterator[str]:
        mask = checked(chosen, len(self._files))
        return (self._files[at] for at in np.flatnonzero(mask).tolist())

    def _content(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise refused(
                "files that can be read",
                f"{name}: {error.strerror}",
                "unreadable-file",
                "Let nothing change the folder.",
            ) from error

    def _classes(self) -> list[str]:
        hint = "Put the files of each class into a folder that is called like it."
        entries = [entry for entry in os.scandir(self._path) if not entry.name.startswith(".")]
        beside = next((entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)), None)
        if beside is not None:
            found = f"{beside}, which is no folder"
            raise refused(f"nothing but a folder for each class in {self._path}", found, "file-beside-classes", hint)
        if not entries:
            raise refused(f"a folder for each class in {self._path}", "nothing", "empty-data", hint)
        return sorted(entry.name for entry in entries)

    def _below(self, one: str) -> list[str]:
        """The files of a class, by their paths from the folder of all."""
        found = sorted(self._walk(one))
        if not found:
            hint = "Remove that folder, or put files into it."
            raise refused("files of each class", f"none in {self._path / one}", "empty-class", hint)
        return found

    def _walk(self, below: str) -> Iterator[str]:
        with os.scandir(self._path / below) as entries:
            for entry in entries:
                name = f"{below}/{entry.name}"
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(name)
                    continue
                if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(self._root):
                    hint = "Copy what it leads to into the folder."
                    raise refused("links that stay in the folder", f"{name}, which leads outside", "link-outside", hint)
                if not entry.is_file():
                    found = f"{name}, which is a link to a folder, a broken link or no file"
                    raise refused("files in the folders of the classes", found, "no-file", "Remove it.")
                yield name

    def _grey(self, name: str) -> NDArray[np.float32]:
        """The picture in grey, (32, 32) float32 from 0 to 255."""
        from PIL import Image

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(self._path / name) as picture:
                    # JPEG files are read at a smaller size from the beginning.
                    picture.draft("L", (2 * _SIDE, 2 * _SIDE))
                    small = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            hint = "Mend or remove it."
            raise refused("pictures that can be read", f"{name}: {error}", "unreadable-picture", hint) from error
        return np.asarray(small, np.float32)


def read(form: Form, name: str, content: Content) -> Part:
    """One file of a sealed part: its bytes and its class."""
    return Part([bytes(content)], np.array([_class(name)]), 1)


def _class(name: str) -> str:
    return name.split("/", 1)[0]


def _has_pillow() -> bool:
    try:
        import PIL.Image
    except ImportError:
        return False
    return PIL.Image is not None
