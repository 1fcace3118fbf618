"""A double label shows how fast surface forms, and on how much of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from small_bone import BUSY, add_osteoblasts, begin, configure, rods, slab

from trabsim.errors import ConfigError
from trabsim.simulation import Simulation

#: Osteoblasts that neither die nor slow down, and nothing else that happens.
STEADY = {
    "osteoblasts.rate_um3_per_day": 150.0,
    "osteoblasts.rate_half_life_days": 1e6,
    "osteoblasts.life_half_days": 1e9,
    "osteoblasts.oldest_days": 5000,
    "activation.rate_per_mm2_per_year": 0.0,
    "lining.modeling_per_day": 0.0,
    "mineral.lag_days": 12.0,
}


def forming(share: float, settings: dict[str, Any]) -> Simulation:
    """A flat surface of which a share forms at 0.75 um/day: two osteoblasts on each 400 um2."""
    sim = begin(slab((20, 24, 24), voxel_size_um=20.0, thick=8.0), STEADY | settings)
    sim.step()
    surface = sim.state.surface.index
    x = surface % 24
    add_osteoblasts(sim, np.repeat(surface[x < share * 24], 2), birth_day=1)
    return sim


def on_day(sim: Simulation, day: int) -> dict[str, float]:
    while sim.clock.day < day:
        sim.step()
    return {name[6:]: value for name, value in sim.state.levels.items() if name.startswith("label_")}


@pytest.mark.parametrize(("interval", "share"), [(10, 1.0), (14, 1.0), (28, 1.0), (14, 0.5)])
def test_apposition_and_mineralizing_surface(interval: int, share: float) -> None:
    """BFR/BS is the matrix that cells lay down per surface (8 %), whatever the interval and wherever they stand.

    Cells move on from full voxels, so at any time a part of a forming surface rests and the rest forms faster.
    """
    sim = forming(share, {"labels.days": [[22, 22 + interval]]})
    got = on_day(sim, 22 + interval)
    assert got["day"] == 22 + interval
    assert got["BFR_BS_um_per_year"] == pytest.approx(got["MAR_um_per_day"] * got["MS_BS"] * 365.25)
    assert got["BFR_BS_um_per_year"] == pytest.approx(0.75 * share * 365.25, rel=0.08)
    assert got["MAR_um_per_day"] == pytest.approx(0.75, rel=0.25)
    assert got["MS_BS"] == pytest.approx(share, abs=0.15)


def test_labels_wait_for_the_osteoid_lag() -> None:
    """Nothing is known before the second front; the last pair is reported."""
    sim = forming(1.0, {"labels.days": [[22, 32], [40, 50]]})
    assert on_day(sim, 20) == {}
    assert math.isnan(sim.measure(microarchitecture=False)["label_MAR_um_per_day"])
    assert on_day(sim, 21)["day"] == 32
    assert sim.measure(microarchitecture=False)["label_MAR_um_per_day"] > 0
    assert on_day(sim, 39)["day"] == 50


def test_what_stops_between_the_labels_shows_one_line() -> None:
    """Single label counts half; without any double label there is no rate."""
    sim = forming(1.0, {"labels.days": [[22, 52]]})
    on_day(sim, 14)
    sim.state.count("osteoblasts_died", len(sim.state.osteoblasts))
    sim.state.osteoblasts.keep(np.zeros(len(sim.state.osteoblasts), bool))
    got = on_day(sim, 42)
    assert got["double_LS_BS"] == 0.0
    assert 0.8 < got["single_LS_BS"] <= 1.0
    assert got["MS_BS"] == got["single_LS_BS"] / 2
    assert math.isnan(got["MAR_um_per_day"])


def test_lines_too_close_read_as_one() -> None:
    """One day apart they lie within 2 um."""
    got = on_day(forming(1.0, {"labels.days": [[22, 23]]}), 23)
    assert got["double_LS_BS"] == 0.0
    assert got["single_LS_BS"] > 0.85


def test_labels_do_not_touch_bone() -> None:
    """With and without labels a run holds the same bits."""
    runs = []
    for days in ([], [[14, 28]]):
        sim = begin(rods(20, period=10, radius=2.8), BUSY | {"labels.days": days})
        for _ in range(40):
            sim.step()
        runs.append(sim.state)
    assert runs[0].bone.tobytes() == runs[1].bone.tobytes()
    assert runs[0].counters == runs[1].counters
    assert len(runs[1].labels) > 0 == len(runs[0].labels)
    assert runs[1].levels["label_MS_BS"] > 0


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([[20, 10]], r"pair \[20, 10\]; give the second label 1-60 days after"),
        ([[20, 200]], r"pair \[20, 200\]; give the second label 1-60 days after"),
        ([[20, 34], [30, 40]], r"pair \[30, 40\] before day 34, when the pair before it ends; sort them"),
    ],
)
def test_pairs_must_be_pairs(days: list[list[int]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configure({"labels.days": days})
