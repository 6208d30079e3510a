"""How a sealed part is opened in these tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest

from seatrial.vault.sources import Form, Mask, Part, Source, joined, read


def _opened(source: Source, chosen: Mask) -> Part:
    kept = json.loads(json.dumps(asdict(source.form)))
    form = Form(kept["kind"], kept["target"], tuple(kept["fields"]), kept["settings"])
    return joined([read(form, name, bytes(content)) for name, content in source.shards(chosen)], form)


@pytest.fixture
def opened() -> Callable[[Source, Mask], Part]:
    """The chosen examples as they come back from sealed files, read with the form as JSON keeps it."""
    return _opened
