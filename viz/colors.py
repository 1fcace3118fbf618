"""Colors of the pictures: chosen so that color-blind readers can tell them apart by lightness too."""

from __future__ import annotations

import numpy as np

BONE = (234, 221, 194)
LOST = (208, 22, 20)
LOST_LOADED = (110, 6, 30)
KEPT_LOADED = (168, 138, 92)
GAINED = (24, 104, 196)
INK = (38, 38, 42)
PALE_INK = (110, 110, 116)
OSTEOCLAST = (120, 30, 120)
OSTEOBLAST = (96, 200, 150)

#: Surface phases in the order of their numbers.
PHASES: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("quiescent", BONE),
    ("resorbing", (205, 28, 24)),
    ("reversal", (240, 150, 30)),
    ("forming", (30, 120, 190)),
    ("arrested", (110, 100, 130)),
)

#: Dark to light in even steps of lightness, through violet, blue, green and yellow.
_RAMP = np.array(
    [
        (62, 38, 110),
        (58, 78, 140),
        (44, 114, 142),
        (38, 148, 134),
        (86, 180, 106),
        (164, 206, 80),
        (246, 228, 90),
    ],
    dtype=np.float64,
)


def ramp(share: np.ndarray) -> np.ndarray:
    """Colors for values scaled to 0-1: float64 in 0-255, shape (n, 3)."""
    share = np.nan_to_num(np.clip(np.asarray(share, dtype=np.float64), 0.0, 1.0))
    stops = np.linspace(0.0, 1.0, len(_RAMP))
    return np.stack([np.interp(share, stops, _RAMP[:, channel]) for channel in range(3)], axis=-1)


def linear(color: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Screen color (sRGB, 0-255) to light (0-1)."""
    c = np.asarray(color, dtype=np.float64) / 255.0
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def screen(light: np.ndarray) -> np.ndarray:
    """Light (0-1) to screen color: uint8."""
    c = np.clip(light, 0.0, 1.0)
    c = np.where(c <= 0.0031308, 12.92 * c, 1.055 * c ** (1 / 2.4) - 0.055)
    return np.rint(c * 255.0).astype(np.uint8)
