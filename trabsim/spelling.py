"""What a misspelled name probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def suggest(name: str, known: Sequence[str], likeness: float = 0.5) -> str:
    """Say which known name is meant, or all of them where none is at least so alike (0-1)."""
    near = difflib.get_close_matches(name, known, 1, likeness)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"
