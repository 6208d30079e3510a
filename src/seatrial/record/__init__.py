"""The run on disk: one SQLite file a run, replayed as the same events."""

from seatrial.record.store import NAME, Recorder, locate, read

__all__ = ["NAME", "Recorder", "locate", "read"]
