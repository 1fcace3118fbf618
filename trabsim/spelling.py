"""What a misspelled name probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence


def suggest(name: str, known: Sequence[str]) -> str:
    """Say which known name is meant, or all of them."""
    near = difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(sorted(known))}"
