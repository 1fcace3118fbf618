"""What is measured of a running specimen: the definitions hold, and nothing divides by zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from small_bone import (
    BUSY,
    add_osteoblasts,
    add_osteoclasts,
    ball,
    begin,
    configure,
    named,
    rods,
    slab,
    specimen,
    wake,
)

from trabsim.agents.osteoblasts import survival
from trabsim.architecture import architecture_measures, solid_bone
from trabsim.clock import Clock
from trabsim.measures import (
    RIM,
    core_of,
    in_core,
    measure_state,
    tissue_volume_mm3,
    volume_measures,
)
from trabsim.simulation import Simulation
from trabsim.state import FULL, HISTORY, Phase
from trabsim.tissue.specimen import Specimen


@pytest.fixture(scope="module")
def busy() -> Simulation:
    """Four months of a busy run."""
    sim = begin(rods(30), BUSY)
    for _ in range(120):
        sim.step()
    return sim


@pytest.fixture(scope="module")
def row(busy: Simulation) -> dict[str, float]:
    return busy.measure(microarchitecture=True)


def still(piece: Specimen, settings: dict[str, Any] | None = None) -> Simulation:
    """A specimen on its first day, before anything has happened."""
    sim = wake(piece, settings)
    sim.state.counters |= {"first_day": 0, "last_day": 0}
    return sim


# --------------------------------------------------------------------- regions
def test_the_rim_is_left_out() -> None:
    """Three voxels along each face belong to no structural measure; tiny lattices keep theirs."""
    sim = begin(rods(24))
    assert core_of(sim.state) == (slice(3, 21),) * 3
    every = np.arange(24**3)
    marked = in_core(sim.state, every).reshape(24, 24, 24)
    assert marked.sum() == 18**3
    assert marked[core_of(sim.state)].all()
    assert RIM == 3


def test_tissue_volume_is_that_of_the_mask() -> None:
    """mm3 of tissue within the rim."""
    tissue = np.zeros((24, 24, 24), bool)
    tissue[:, :, :12] = True
    sim = begin(specimen(np.where(tissue, rods(24).bone_fraction, 0), tissue=tissue))
    assert tissue_volume_mm3(sim.state, core_of(sim.state)) == pytest.approx(18 * 18 * 9 * 0.04**3)


# -------------------------------------------------------------------- structure
def test_BV_TV_is_the_mean_of_the_fractions() -> None:
    """BV/TV of the core, with partly filled voxels at their fraction."""
    piece = rods(24)
    sim = begin(piece)
    got = volume_measures(sim.state, sim.backend, core_of(sim.state), sim.config)["BV_TV"]
    assert got == pytest.approx(float(piece.bone_fraction[3:-3, 3:-3, 3:-3].mean(dtype=np.float64)), abs=1e-5)


def test_potential_volume_adds_what_is_owed() -> None:
    """Unpaid credit x balance, and what living osteoblasts will still lay down, belong to the potential volume."""
    sim = still(slab((20, 20, 20), thick=8.0), {"reversal.balance": 0.9})
    state, core = sim.state, core_of(sim.state)
    p = sim.config.process.osteoblasts

    def owed() -> float:
        got = volume_measures(state, sim.backend, core, sim.config)
        return (got["potential_BV_TV"] - got["BV_TV"]) * 14**3 * FULL

    assert owed() == pytest.approx(0.0, abs=1e-6)
    state.credit[7, 9, 9] = 5000
    assert owed() == pytest.approx(4500.0, rel=1e-6)
    state.credit[...] = 0
    state.credit[0, 0, 0] = 5000  # in the rim
    assert owed() == pytest.approx(0.0, abs=1e-6)
    state.credit[...] = 0
    add_osteoblasts(sim, [int(np.ravel_multi_index((8, 9, 9), state.shape))])
    days = np.arange(p.oldest_days)
    made = p.rate_um3_per_day * 0.5 ** (days / p.rate_half_life_days) * survival(p, days)
    assert owed() == pytest.approx(made.sum() / state.quantum_um3, rel=1e-6)
    state.osteoblasts.owed[:] = 321
    assert owed() == pytest.approx(made.sum() / state.quantum_um3 + 321, rel=1e-6)
    age = p.oldest_days // 2
    state.counters["last_day"] = age
    state.osteoblasts.owed[:] = 0
    assert owed() == pytest.approx(made[age:].sum() / survival(p, days)[age] / state.quantum_um3, rel=1e-6)


def test_a_blurred_plate_is_the_plate() -> None:
    """The blur that architecture is measured under moves no plane face, and keeps the volume of bone."""
    sim = begin(slab((24, 24, 24), thick=8.0))
    solid, mask = solid_bone(sim.state, sim.backend, core_of(sim.state))
    assert mask is None
    assert (solid == (sim.state.bone[core_of(sim.state)] == FULL)).all()


def test_bone_that_is_measured_has_the_volume_of_all_bone() -> None:
    """The threshold under the blur is where the volume is right, whatever the fractions are."""
    sim = begin(rods(30))
    core = core_of(sim.state)
    solid, _ = solid_bone(sim.state, sim.backend, core)
    volume = int(sim.state.bone[core].sum(dtype="int64")) / FULL
    # equal values at the threshold, and filled dents, may add a few
    assert volume - 1 <= int(solid.sum()) <= 1.01 * volume
    sim.state.bone[...] = 0
    assert not solid_bone(sim.state, sim.backend, core)[0].any()


def test_a_dent_is_no_hole_and_a_hole_is() -> None:
    """A line of nearly half-filled voxels through a plate connects nothing; an open way does, also a dented one."""
    plate = slab((30, 30, 30), thick=12.0).bone_fraction

    def connectivity(width: int, fill: float) -> float:
        fraction = plate.copy()
        fraction[:12, 15 : 15 + width, 15 : 15 + width] = fill
        sim = begin(specimen(fraction))
        return architecture_measures(sim.state, sim.backend, core_of(sim.state))["Conn_D_per_mm3"]

    assert connectivity(1, 0.45) == connectivity(0, 0.0)
    assert connectivity(3, 0.0) > connectivity(0, 0.0)
    assert connectivity(5, 0.1) > connectivity(0, 0.0)


def test_what_lies_outside_the_region_is_unknown_not_marrow() -> None:
    """Bone that fills the region up to its edge is measured up to its edge."""
    tissue = np.zeros((24, 24, 24), bool)
    tissue[:, :, :12] = True
    sim = begin(specimen(tissue.astype(np.float32), tissue=tissue))
    core = core_of(sim.state)
    solid, mask = solid_bone(sim.state, sim.backend, core)
    assert mask is not None
    assert (solid == tissue[core]).all()
    assert (mask == tissue[core]).all()


def test_surface_shares() -> None:
    """ES/BS counts open surface beyond 5 um depth, OS/BS forming surface, both by area."""
    sim = still(slab((20, 20, 20), thick=8.0))
    state = sim.state
    surface = np.zeros(state.shape, bool)
    surface[7] = True
    patch = np.zeros_like(surface)
    patch[7, 5:10, 5:12] = True
    state.phase[patch] = Phase.REVERSAL
    assert sim.measure(False)["ES_BS"] == 0.0, "a scrape of no depth is not eroded"
    state.erosion_depth_nm[patch] = 6000
    assert sim.measure(False)["ES_BS"] == pytest.approx(35 / 14**2)
    state.phase[patch] = Phase.FORMING
    got = sim.measure(False)
    assert got["ES_BS"] == 0.0
    assert got["OS_BS"] == pytest.approx(35 / 14**2)
    assert got["BS_TV_per_mm"] == pytest.approx(14**2 * 0.04**2 / (14 * 0.04) ** 3, rel=1e-6)
    assert got["BS_TV_per_mm"] / got["BS_BV_per_mm"] == pytest.approx(got["BV_TV"], rel=1e-9)


def test_cells_are_counted_within_the_rim() -> None:
    """Cells per tissue volume; empty lacunae and cells of the rim do not count."""
    sim = still(slab((20, 20, 20), thick=8.0))
    state = sim.state
    volume = (14 * 0.04) ** 3
    add_osteoclasts(sim, [[400.0, 400.0, 400.0], [400.0, 20.0, 400.0], [400.0, 300.0, 300.0]], nuclei=7)
    inner, outer = (int(np.ravel_multi_index(v, state.shape)) for v in ((8, 9, 9), (8, 1, 9)))
    add_osteoblasts(sim, [inner, inner, inner, outer])
    got = sim.measure(False)
    assert got["N_Oc_TV_per_mm3"] == pytest.approx(2 / volume)
    assert got["N_Ob_TV_per_mm3"] == pytest.approx(3 / volume)
    assert got["nuclei_per_Oc"] == 7.0
    before = got["N_Ot_BV_per_mm3"]
    state.osteocytes.alive[: len(state.osteocytes) // 2] = 0
    assert sim.measure(False)["N_Ot_BV_per_mm3"] < before


# -------------------------------------------------------------------- dynamics
def test_turnover_hangs_together(row: dict[str, float]) -> None:
    """BFR/BS = Ac.f x W.Th and BFR/BV = BFR/BS x BS/BV, by definition."""
    assert row["BFR_BS_um_per_year"] == pytest.approx(row["Ac_f_per_year"] * row["W_Th_um"], rel=1e-9)
    assert row["BFR_BV_per_year"] > 0
    assert row["BRs_R_BV_per_year"] > 0


def test_rates_follow_the_ledgers(busy: Simulation, row: dict[str, float]) -> None:
    """Formed and resorbed per bone and year are the totals of the run over its length."""
    state = busy.state
    bone = int(state.bone.sum(dtype=np.int64))
    c = state.counters
    years = (busy.clock.day - 1) / 365.25
    first = dict(zip(("resorbed", "formed"), state.history[0, :2].tolist()))
    for name, key in (("BFR_BV_per_year", "formed"), ("BRs_R_BV_per_year", "resorbed")):
        expected = (c[f"{key}_quanta"] - first[key]) / years / bone
        assert row[name] == pytest.approx(expected, rel=1e-9)


def test_apposition_is_matrix_over_covered_area() -> None:
    """MAR = what osteoblasts make today over the area they cover; a young team of known density gives its rate."""
    sim = still(slab((20, 20, 20), thick=8.0), {"osteoblasts.rate_um3_per_day": 200.0})
    state = sim.state
    assert math.isnan(sim.measure(False)["MAR_um_per_day"])
    patch = np.zeros(state.shape, bool)
    patch[7, 4:16, 4:16] = True
    state.phase[patch] = Phase.FORMING
    add_osteoblasts(sim, np.repeat(np.flatnonzero(patch), 8))
    got = sim.measure(False)["MAR_um_per_day"]
    assert got == pytest.approx(8 * 200.0 / 1600.0, rel=1e-6)


def test_formation_period_is_wall_thickness_over_adjusted_apposition() -> None:
    """FP = W.Th / Aj.AR with Aj.AR = MAR x MS/OS; 30 um at a rate that all of the osteoid shows is 30 / MAR days."""
    sim = still(slab((20, 20, 20), thick=8.0), {"osteoblasts.rate_um3_per_day": 200.0})
    state = sim.state
    assert math.isnan(sim.measure(False)["FP_days"])
    patch = np.zeros(state.shape, bool)
    patch[7, 4:16, 4:16] = True
    state.phase[patch] = Phase.FORMING
    add_osteoblasts(sim, np.repeat(np.flatnonzero(patch), 8))
    columns = (HISTORY.index("formed_quanta"), HISTORY.index("formation_started_um2"))
    state.history[10, columns] = round(30.0 * 100_000 / state.quantum_um3), 100_000
    sim.clock.day = 11
    got = sim.measure(False)
    assert got["W_Th_um"] == pytest.approx(30.0, rel=1e-4)
    assert got["FP_days"] == pytest.approx(got["W_Th_um"] / got["MAR_um_per_day"], rel=1e-6)
    assert got["FP_days"] == pytest.approx(30.0, rel=1e-4)  # MAR is 8 x 200 um3 on 1600 um2


def test_formation_period_of_a_run_is_made_of_its_columns(row: dict[str, float]) -> None:
    """FP = W.Th x OS / (MAR x MS), up to the rim, which OS/BS alone leaves out."""
    expected = row["W_Th_um"] * row["OS_BS"] / (row["MAR_um_per_day"] * row["MS_BS"])
    assert row["FP_days"] == pytest.approx(expected, rel=0.3)


#: What every row of a run holds, whatever is given and switched off.
ALWAYS = {
    *("FP_days", "Oc_S_BS", "Ob_S_BS", "treatment_recommended"),
    *(f"{site}_BMC_g" for site in ("lumbar_spine", "total_hip", "femoral_neck")),
}


def test_columns_that_are_always_there(row: dict[str, float]) -> None:
    """Also without mechanics, which alone brings relative fracture risk."""
    assert set(row) >= ALWAYS
    assert "fracture_risk_relative_to_entry" not in row


def test_units_and_ranges(row: dict[str, float]) -> None:
    """Fractions lie in 0-1, everything else is finite and not negative, but for scores."""
    for name, value in row.items():
        if name.endswith("T_score") or name in ("SMI", "Conn_D_per_mm3", "TBS_like"):
            continue
        assert math.isfinite(value), name
        assert value >= 0, name
    for name in ("BV_TV", "potential_BV_TV", "ES_BS", "OS_BS"):
        assert 0 < row[name] < 1, name
    assert 500 < row["TMD_mg_per_cm3"] <= 1200
    assert row["vBMD_mg_per_cm3"] == pytest.approx(row["TMD_mg_per_cm3"] * row["BV_TV"], rel=1e-9)


def test_density_is_the_mineral_of_the_voxels() -> None:
    """TMD is the mineral by age, weighted by bone; vBMD the same per tissue; densitometry mixes it with the cortex."""
    sim = still(rods(24))
    state = sim.state
    state.formed_day[...] = -1_000_000
    state.levels["cortical_mineral"] = 1.0
    got = sim.measure(False)
    full = sim.config.process.mineral.full_mg_per_cm3
    assert got["TMD_mg_per_cm3"] == pytest.approx(full, rel=1e-5)
    assert got["vBMD_mg_per_cm3"] == pytest.approx(full * got["BV_TV"], rel=1e-5)
    cortex = sim.config.process.cortex
    for site in ("lumbar_spine", "total_hip", "femoral_neck"):
        share = getattr(cortex, f"{site}_trabecular_share")
        expected = share * got["vBMD_mg_per_cm3"] / cortex.young_vBMD_mg_per_cm3 + (1 - share)
        assert got[f"{site}_BMD_relative"] == pytest.approx(expected, rel=1e-9)
    assert got["lumbar_spine_BMD_g_per_cm2"] == pytest.approx(
        1.064 * got["lumbar_spine_BMD_relative"], rel=1e-9
    )


# ------------------------------------------------------------------ edges of use
def test_measures_before_the_first_day() -> None:
    """A specimen can be measured before it has lived: structure and density, no rates yet."""
    sim = begin(rods(24))
    got = sim.measure(microarchitecture=False)
    assert got["BV_TV"] > 0
    assert "Ac_f_per_year" not in got


def test_measures_of_a_quiet_and_of_an_empty_specimen() -> None:
    """Without remodeling rates are 0 and W.Th is undefined; without bone nothing divides by zero."""
    sim = begin(ball(20, 6.0), {"activation.rate_per_mm2_per_year": 0.0})
    for _ in range(3):
        sim.step()
    got = sim.measure(microarchitecture=False)
    assert got["Ac_f_per_year"] == got["BFR_BV_per_year"] == got["N_Oc_TV_per_mm3"] == 0.0
    assert math.isnan(got["W_Th_um"])
    state = sim.state
    state.count("resorbed_quanta", int(state.bone.sum(dtype=np.int64)))
    state.bone[...] = 0
    named(sim, "surface").apply(state, sim.clock)
    assert sim.measure(microarchitecture=False)["BV_TV"] == 0.0


def test_measuring_changes_nothing(busy: Simulation) -> None:
    """A measure leaves the state as it was, bit for bit."""
    before = {name: array.tobytes() for name, array in busy.state.arrays.items()}
    counters, levels = dict(busy.state.counters), dict(busy.state.levels)
    busy.measure(microarchitecture=False)
    assert {name: array.tobytes() for name, array in busy.state.arrays.items()} == before
    assert (busy.state.counters, busy.state.levels) == (counters, levels)


def test_the_row_knows_its_day_and_age() -> None:
    """Day and age are those of the clock."""
    sim = still(rods(24), {"endocrine.age_years": 47.0})
    got = measure_state(
        sim.state, Clock(365), configure({"endocrine.age_years": 47.0}), sim.backend, microarchitecture=False
    )
    assert got["day"] == 365
    assert got["age_years"] == pytest.approx(47.0 + 365 / 365.25)
