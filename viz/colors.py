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
OSTEOCYTE = (214, 120, 30)
EMPTY_LACUNA = (90, 90, 96)

#: Surface phases in the order of their numbers.
PHASES: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("quiescent", BONE),
    ("resorbing", (205, 28, 24)),
    ("reversal", (240, 150, 30)),
    ("forming", (30, 120, 190)),
    ("arrested", (110, 100, 130)),
)

#: Ramps of colors in even steps of lightness: ``even`` from dark to light through violet, blue, green and yellow;
#: ``loss`` from the color of bone through orange to dark red; ``glow`` from pale to dark blue, for fields.
RAMPS: dict[str, np.ndarray] = {
    "even": np.array(
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
    ),
    "loss": np.array([BONE, (240, 178, 110), (226, 116, 60), (190, 46, 36), (110, 6, 30)], dtype=np.float64),
    "glow": np.array(
        [(238, 243, 248), (168, 204, 226), (86, 154, 200), (30, 98, 166), (8, 42, 98)], dtype=np.float64
    ),
}


def ramp(share: np.ndarray, name: str = "even") -> np.ndarray:
    """Colors for values scaled to 0-1, from one of `RAMPS`: float64 in 0-255, shape (n, 3)."""
    share = np.nan_to_num(np.clip(np.asarray(share, dtype=np.float64), 0.0, 1.0))
    colors = RAMPS[name]
    stops = np.linspace(0.0, 1.0, len(colors))
    return np.stack([np.interp(share, stops, colors[:, channel]) for channel in range(3)], axis=-1)


def linear(color: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Screen color (sRGB, 0-255) to light (0-1)."""
    c = np.asarray(color, dtype=np.float64) / 255.0
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def screen(light: np.ndarray) -> np.ndarray:
    """Light (0-1) to screen color: uint8."""
    c = np.clip(light, 0.0, 1.0)
    c = np.where(c <= 0.0031308, 12.92 * c, 1.055 * c ** (1 / 2.4) - 0.055)
    return np.rint(c * 255.0).astype(np.uint8)
