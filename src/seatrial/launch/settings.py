"""The settings that a program is judged by, checked before it runs."""

from __future__ import annotations

from pathlib import Path

from seatrial.config import Config, check_source, load


def settings(file: str, text: str) -> Config:
    """The settings for a program.

    Raises:
        UsageProblem: something in them, or in a suppression in the program, is not understood.
    """
    if text:
        check_source(text, file)
    config = load(Path(file).resolve().parent if text else Path.cwd())
    if config.thresholds:
        from seatrial.verdict import configured_rules

        configured_rules(config)
    return config
