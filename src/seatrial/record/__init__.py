"""The run on disk: one SQLite file a run, written in batches while the script runs, read back as the same events."""

from seatrial.record.reader import is_record, locate, read
from seatrial.record.writer import NAME, Recorder

__all__ = ["NAME", "Recorder", "is_record", "locate", "read"]
