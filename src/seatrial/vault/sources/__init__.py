"""Data that can be sealed, one file a format: tables, arrays, folders of files by class, torch data sets."""

from seatrial.vault.sources.find import source_of
from seatrial.vault.sources.opened import joined, read
from seatrial.vault.sources.source import Block, Content, Form, Mask, Part, Source

__all__ = ["Block", "Content", "Form", "Mask", "Part", "Source", "joined", "read", "source_of"]
