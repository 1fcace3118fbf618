"""How much surface cells cover: so much each, nothing twice, the same on coarse and on fine voxels."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import add_osteoblasts, add_osteoclasts, begin, slab, wake

from trabsim.cell_cover import osteoblast_cover_um2, osteoclast_cover_um2
from trabsim.simulation import Simulation
from trabsim.state import Phase

OSTEOCLAST, OSTEOBLAST = (1257.0, 40.0), (200.0, 60.0)


def plate(voxel_size_um: float = 40.0) -> Simulation:
    """A flat face at z = 320 um, 800 um wide."""
    n = round(800 / voxel_size_um)
    return wake(slab((n, n, n), voxel_size_um, thick=320.0 / voxel_size_um))


@pytest.mark.parametrize("voxel_size_um", [40.0, 20.0])
def test_cells_far_apart_cover_their_area_each(voxel_size_um: float) -> None:
    """Wherever they sit within a voxel; a surface without cells is covered by none."""
    sim = plate(voxel_size_um)
    assert not osteoclast_cover_um2(sim.state, sim.backend, *OSTEOCLAST).any()
    assert not osteoblast_cover_um2(sim.state, sim.backend, *OSTEOBLAST).any()
    spots = [[310.0, y + shift, x] for y in (150, 400, 650) for x in (150, 400, 650) for shift in (0.0,)]
    spots = [[z, y + 7.0 * k, x - 3.0 * k] for k, (z, y, x) in enumerate(spots)]
    add_osteoclasts(sim, spots)
    covered = osteoclast_cover_um2(sim.state, sim.backend, *OSTEOCLAST)
    assert covered.sum() == pytest.approx(9 * 1257.0, rel=0.01)
    n = sim.state.shape[0]
    top = round(320 / voxel_size_um) - 1
    add_osteoblasts(sim, [(z * n + n // 2) * n + x for z in (top, top + 1) for x in (n // 4, n // 2)])
    assert osteoblast_cover_um2(sim.state, sim.backend, *OSTEOBLAST).sum() == pytest.approx(800.0, rel=0.01)


def test_no_spot_is_covered_twice() -> None:
    """Of cells upon each other, the surface of the voxels below is all that counts."""
    sim = plate()
    add_osteoclasts(sim, [[310.0, 420.0, 420.0]] * 50)
    covered = osteoclast_cover_um2(sim.state, sim.backend, *OSTEOCLAST)
    assert (covered <= sim.state.surface.area_um2).all()
    assert covered.max() == pytest.approx(1600.0, rel=1e-6)
    assert covered.sum() < 50 * 1257.0 / 4


@pytest.mark.parametrize("per_mm2", [1000.0, 4000.0, 20_000.0])
def test_a_team_covers_as_much_on_fine_voxels(per_mm2: float) -> None:
    """The same team, thrown at random on a patch: its cover agrees between 20 and 40 um within 10 %."""
    sides = np.random.default_rng(1).uniform(200.0, 600.0, (round(per_mm2 * 0.16), 2))
    found = []
    for voxel_size_um in (20.0, 40.0):
        sim = plate(voxel_size_um)
        n, top = sim.state.shape[0], round(320 / voxel_size_um) - 1
        y, x = (sides / voxel_size_um).astype(int).T
        add_osteoblasts(sim, (top * n + y) * n + x)
        found.append(osteoblast_cover_um2(sim.state, sim.backend, *OSTEOBLAST).sum())
    fine, coarse = found
    assert fine == pytest.approx(coarse, rel=0.1)
    assert fine <= 200.0 * len(sides) * 1.001


def test_shares_of_the_surface_are_those_of_the_region() -> None:
    """Oc.S/BS and Ob.S/BS: cells of the rim do not count, a whole team at 5,000 cells/mm2 covers its patch."""
    sim = plate()
    state = sim.state
    state.counters |= {"first_day": 0, "last_day": 0}
    area_um2 = (14 * 40.0) ** 2
    add_osteoclasts(sim, [[310.0, 420.0, 420.0], [310.0, 20.0, 420.0]])
    patch = np.zeros(state.shape, bool)
    patch[7, 6:12, 6:12] = True
    state.phase[patch] = Phase.FORMING
    add_osteoblasts(sim, np.repeat(np.flatnonzero(patch), 8))
    got = sim.measure(False)
    assert got["Oc_S_BS"] == pytest.approx(1257.0 / area_um2, rel=0.01)
    assert got["Ob_S_BS"] == pytest.approx(36 / 14**2, rel=0.05)
    assert got["Ob_S_BS"] <= got["OS_BS"] * 1.001


def test_without_bone_there_is_no_cover() -> None:
    sim = begin(slab((12, 12, 12), thick=6.0))
    sim.state.bone[...] = 0
    sim.processes[[process.name for process in sim.processes].index("surface")].apply(sim.state, sim.clock)
    add_osteoclasts(sim, [[200.0, 200.0, 200.0]])
    add_osteoblasts(sim, [5])
    assert osteoclast_cover_um2(sim.state, sim.backend, *OSTEOCLAST).size == 0
    assert osteoblast_cover_um2(sim.state, sim.backend, *OSTEOBLAST).size == 0
