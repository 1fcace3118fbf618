"""Totals of the last year: any window, any time, with markers relative to the eve of entry."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import add_osteoblasts, named, slab, wake

from trabsim.clock import Clock
from trabsim.simulation import Simulation
from trabsim.state import HISTORY, HISTORY_DAYS
from trabsim.tissue.bookkeeping import BASELINES, MARKERS, MarkerParams, change, marker_pct, per_year
from trabsim.units import DAYS_PER_YEAR


def kept(first_day: int, per_day: int, days: int) -> Simulation:
    """Books of some days on which `per_day` quanta were resorbed and twice as many formed, each."""
    sim = wake(slab((16, 16, 16), thick=8.0))
    sim.state.levels |= {"cortical_resorption": 0.1, "cortical_formation": 0.2}
    sim.clock.day = first_day
    keep_on(sim, per_day, days)
    return sim


def keep_on(sim: Simulation, per_day: int, days: int) -> None:
    for _ in range(days):
        sim.state.count("resorbed_quanta", per_day)
        sim.state.count("formed_quanta", 2 * per_day)
        named(sim, "bookkeeping").apply(sim.state, sim.clock)
        sim.clock.advance()


def gained(sim: Simulation, days: int, name: str = "resorbed_quanta") -> tuple[int, int]:
    return change(sim.state, sim.backend, name, sim.clock.day - 1, days)


def test_windows() -> None:
    """What was gained over the last days; the windows of a young run are as short as the run."""
    sim = kept(-500, 10, 300)
    assert gained(sim, 1) == (10, 1)
    assert gained(sim, 60) == (600, 60)
    assert gained(sim, 60, "formed_quanta") == (1200, 60)
    young = kept(0, 10, 5)
    assert gained(young, 365) == (40, 4)
    newborn = kept(0, 10, 1)
    assert gained(newborn, 365)[1] == 1


def test_the_ring_goes_round() -> None:
    """After more than a year the oldest days are overwritten and a year's window is still right."""
    sim = kept(-40, 3, 900)
    assert gained(sim, 365) == (3 * 365, 365)
    keep_on(sim, 7, 100)
    assert gained(sim, 365) == (7 * 100 + 3 * 265, 365)
    assert gained(sim, 100) == (700, 100)


def test_a_row_holds_the_totals_and_the_area_of_its_day() -> None:
    """Every name of HISTORY has its column."""
    sim = kept(3, 5, 1)
    row = dict(zip(HISTORY, sim.state.history[3 % HISTORY_DAYS].tolist()))
    assert row["resorbed_quanta"] == 5
    assert row["formed_quanta"] == 10
    assert row["area_um2"] == int(np.floor(sim.state.surface.area_um2).sum())
    assert sim.state.counters["first_day"] == sim.state.counters["last_day"] == 3


def test_per_year() -> None:
    """A gain over some days as a rate a year."""
    assert per_year(10, 5) == pytest.approx(2 * DAYS_PER_YEAR)


# ---------------------------------------------------------------------- markers
#: No marker has a floor.
ALL_FROM_BONE = {"resorption_outside_share": 0.0, "formation_outside_share": 0.0}


def marker(sim: Simulation, p: MarkerParams) -> float:
    return marker_pct(sim.state, sim.backend, "resorbed_quanta", "resorption", sim.clock.day - 1, p)


def test_markers_are_100_at_baseline_and_follow_turnover() -> None:
    """At the rates of baseline a marker is 100 %; at twice the trabecular rate it rises by the trabecular share."""
    p = MarkerParams(trabecular_share=0.6, window_days=50, baseline_days=360, **ALL_FROM_BONE)
    sim = kept(-400, 10, 400)
    assert sim.clock.day == 0
    assert sim.state.levels["baseline_resorption_quanta_per_day"] == 10.0
    assert sim.state.levels["baseline_formation_quanta_per_day"] == 20.0
    assert marker(sim, p) == pytest.approx(100.0)
    keep_on(sim, 20, 50)
    assert marker(sim, p) == pytest.approx(160.0)
    sim.state.levels["cortical_resorption"] *= 2
    assert marker(sim, p) == pytest.approx(200.0)
    keep_on(sim, 0, 50)
    assert marker(sim, p) == pytest.approx(80.0), "the floor is what the cortex supplies"


def test_no_marker_falls_below_what_comes_from_outside() -> None:
    """With remodeling at a stop a marker stands at the share that bone does not supply; its rises shrink alike."""
    p = MarkerParams(trabecular_share=1.0, window_days=50, resorption_outside_share=0.25)
    sim = kept(-400, 10, 400)
    keep_on(sim, 20, 50)
    assert marker(sim, p) == pytest.approx(175.0)
    keep_on(sim, 0, 50)
    assert marker(sim, p) == pytest.approx(25.0)


def test_no_baseline_no_marker() -> None:
    """Before entry, and where nothing was resorbed before it, a marker stands at 100 %."""
    sim = kept(-50, 10, 20)
    assert marker(sim, MarkerParams()) == 100.0
    idle = kept(-50, 0, 60)
    keep_on(idle, 10, 60)
    assert marker(idle, MarkerParams()) == 100.0


def test_a_run_without_spin_up_takes_its_first_day_as_baseline() -> None:
    """With no days before entry the baseline is set at once and nothing divides by zero."""
    sim = kept(0, 10, 1)
    assert set(BASELINES.values()) <= set(sim.state.levels)
    assert np.isfinite(marker(sim, MarkerParams()))


def test_cells_at_work_make_alkaline_phosphatase_and_the_older_ones_osteocalcin() -> None:
    """Twice the osteoblasts add their trabecular share to the first at once, to the second once they are of age."""
    p = MarkerParams(
        trabecular_share=0.6, window_days=10, baseline_days=30, osteocalcin_days=20, **ALL_FROM_BONE
    )
    sim = kept(-60, 0, 0)
    sim.processes = [named(sim, "bookkeeping")]
    sim.processes[0].params = p
    voxels = sim.state.surface.index[:50]
    add_osteoblasts(sim, voxels, birth_day=-100)
    keep_on(sim, 10, 60)

    def read() -> dict[str, float]:
        day = sim.clock.day - 1
        return {
            name: marker_pct(sim.state, sim.backend, total, flow, day, p)
            for name, (total, flow) in MARKERS.items()
        }

    assert read() == pytest.approx(dict.fromkeys(MARKERS, 100.0))
    add_osteoblasts(sim, voxels, birth_day=sim.clock.day)
    keep_on(sim, 10, 11)
    assert read() == pytest.approx({"CTX": 100, "NTX": 100, "P1NP": 100, "BAP": 160, "osteocalcin": 100})
    keep_on(sim, 10, 20)
    assert read() == pytest.approx({"CTX": 100, "NTX": 100, "P1NP": 100, "BAP": 160, "osteocalcin": 160})


def test_baseline_is_set_once() -> None:
    """What comes after entry does not move the baseline."""
    sim = kept(-100, 10, 100)
    before = dict(sim.state.levels)
    keep_on(sim, 99, 400)
    assert sim.state.levels == before
    assert Clock(0).day == 0
