"""Figures as a person reads them: as many digits as matter, no more."""

from __future__ import annotations

import math
from typing import Any


def figure(value: Any) -> str:
    """A figure of any kind in a few characters: 4 digits of a float, lists and tables by their parts."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return grouped(value)
        case float():
            return decimal(value)
        case dict():
            return ", ".join(f"{key}: {figure(each)}" for key, each in value.items())
        case list() | tuple():
            parts = ", ".join(figure(each) for each in value)
            return parts if all(isinstance(each, str) for each in value) else f"[{parts}]"
        case _:
            return str(value)


def grouped(value: int) -> str:
    """A whole number, its thousands set apart from five digits on."""
    return f"{value:,}" if abs(value) >= 10_000 else str(value)


def decimal(value: float, digits: int = 4) -> str:
    """A float with so many significant digits, as a power of ten where it is very large or small: "0.1235", "1.87e10"."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 1e-3 <= abs(value) < 10 ** max(digits, 5):
        text = f"{value:.{digits}g}"
        return f"{value:.0f}" if "e" in text else text
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"


def counted(number: int, thing: str) -> str:
    """ "1 error", "3 errors", "no errors"."""
    return f"{number or 'no'} {thing}{'' if number == 1 else 's'}"


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 0.1 else f"{value:.1f} s" if value < 100 else f"{value / 60:.1f} min"


def percent(value: float, digits: int | None = None) -> str:
    """A share of one as a percentage; where `digits` after the point are not asked for, one where it is small."""
    if digits is None:
        digits = 1 if 0 < abs(value) < 0.1 else 0
    return f"{value * 100:.{digits}f} %"
