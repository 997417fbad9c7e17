"""Spans of time as people write them: `30m`, `12h`, `7d`."""

import re

_UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


def span_ms(text: str) -> int | None:
    """The span in milliseconds; None where the text is none."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text.strip())
    return None if found is None else int(found[1]) * _UNITS_MS[found[2]]
