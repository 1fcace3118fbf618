"""Who secretes how much: sums over cells and surface, as declared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_bone import add_osteoblasts, rods, wake

from trabsim.fields.secretion import (
    SecretionParams,
    coupling_source,
    estradiol_source,
    opg_source,
    rankl_source,
    sclerostin_source,
)
from trabsim.simulation import Simulation
from trabsim.state import FULL, Phase


@pytest.fixture
def sim() -> Simulation:
    return wake(rods(24))


def test_osteocytes_secrete_where_they_lie(sim: Simulation) -> None:
    """One unit per living osteocyte in its voxel; empty lacunae are silent."""
    cells = sim.state.osteocytes
    cells.alive[::3] = 0
    source = sclerostin_source(sim.state, sim.backend, SecretionParams())
    alive = cells.voxel[cells.alive == 1]
    assert (source.ravel() == np.bincount(alive, minlength=source.size)).all()


def test_surface_cells_add_rankl_by_area(sim: Simulation) -> None:
    """RANKL = osteocytes + surface cells at their density."""
    p = SecretionParams(surface_cells_per_mm2=1000.0)
    osteocytes = sclerostin_source(sim.state, sim.backend, p)
    source = rankl_source(sim.state, sim.backend, p)
    extra = float(source.sum(dtype=np.float64) - osteocytes.sum(dtype=np.float64))
    assert extra == pytest.approx(1000.0 * sim.state.surface.area_um2.sum() / 1e6, rel=1e-5)


def secreted(sim: Simulation, source: Any, stimulus: float, **settings: float) -> float:
    """What one living osteocyte puts out at a stimulus."""
    cells = sim.state.osteocytes
    cells.stimulus[...] = stimulus
    p = SecretionParams(surface_cells_per_mm2=0.0, output_least=0.25, output_most=1.75, **settings)
    amount = source(sim.state, sim.backend, p)
    return float(amount.sum(dtype=np.float64)) / int(cells.alive.sum())


@pytest.mark.parametrize(
    ("stimulus", "share"), [(0.0, 1.0), (0.5, 0.8), (-0.5, 1.2), (2.0, 0.25), (-2.0, 1.75)]
)
def test_loaded_osteocytes_secrete_less_sclerostin(sim: Simulation, stimulus: float, share: float) -> None:
    """1 - slope x stimulus, between the least and the most."""
    got = secreted(sim, sclerostin_source, stimulus, sclerostin_per_stimulus=0.4)
    assert got == pytest.approx(share, rel=1e-4)


@pytest.mark.parametrize(
    ("stimulus", "share"), [(0.0, 1.0), (0.5, 1.0), (2.0, 1.0), (-0.5, 1.2), (-1.0, 1.4), (-2.0, 1.75)]
)
def test_unloaded_osteocytes_secrete_more_rankl(sim: Simulation, stimulus: float, share: float) -> None:
    """1 + slope x what the stimulus lacks, up to the most; load above the usual changes nothing."""
    assert secreted(sim, rankl_source, stimulus, rankl_per_unloading=0.4) == pytest.approx(share, rel=1e-4)


def test_each_osteocyte_answers_to_its_own_stimulus(sim: Simulation) -> None:
    """Two cells in one voxel add up, each at its own output; an empty lacuna stays silent however it is loaded."""
    state = sim.state
    state.osteocytes.keep(np.arange(len(state.osteocytes)) < 3)
    cells = state.osteocytes
    cells.voxel[:] = cells.voxel[0]
    cells.stimulus[:] = (1.0, -0.5, -2.0)
    cells.alive[2] = 0
    p = SecretionParams(sclerostin_per_stimulus=0.5, rankl_per_unloading=0.5, surface_cells_per_mm2=0.0)
    for source, expected in ((sclerostin_source, 0.5 + 1.25), (rankl_source, 1.0 + 1.25)):
        amount = source(state, sim.backend, p)
        assert amount.ravel()[cells.voxel[0]] == pytest.approx(expected)
        assert np.count_nonzero(amount) == 1


def test_healthy_cells_secrete_one_opg_per_um2(sim: Simulation) -> None:
    """Lining cells, osteoblasts and young osteocytes at healthy densities add up to 1 per um2 of surface."""
    state = sim.state
    area_mm2 = float(state.surface.area_um2.sum()) / 1e6
    p = SecretionParams(osteoblasts_per_mm2=200.0, young_osteocytes_per_mm2=300.0, young_half_life_days=100.0)
    n_young, n_blasts = round(300.0 * area_mm2), round(200.0 * area_mm2)
    state.osteocytes.birth_day[:] = -100_000
    state.osteocytes.birth_day[:n_young] = 50
    add_osteoblasts(sim, state.surface.index[:n_blasts])
    source = opg_source(state, sim.backend, 50, p)
    assert float(source.sum(dtype=np.float64)) == pytest.approx(area_mm2 * 1e6, rel=0.005)


def test_osteocytes_grow_out_of_opg(sim: Simulation) -> None:
    """The OPG of osteocytes halves with each half-life of their age; the dead give none."""
    state = sim.state
    p = SecretionParams(opg_osteoblast_share=0.0, opg_young_osteocyte_share=0.3, young_half_life_days=100.0)
    lining = 0.7 * float(state.surface.area_um2.sum())
    amounts = []
    for age in (0, 100, 200):
        state.osteocytes.birth_day[:] = -age
        amounts.append(float(opg_source(state, sim.backend, 0, p).sum(dtype=np.float64)) - lining)
    assert amounts[1] / amounts[0] == pytest.approx(0.5, rel=0.01)
    assert amounts[2] / amounts[0] == pytest.approx(0.25, rel=0.01)
    state.osteocytes.alive[:] = 0
    assert float(opg_source(state, sim.backend, 0, p).sum(dtype=np.float64)) == pytest.approx(
        lining, rel=1e-4
    )


def test_growth_factor_comes_from_what_is_being_resorbed(sim: Simulation) -> None:
    """Credit x stored growth factor, on resorbing surface alone."""
    state = sim.state
    assert not coupling_source(state, sim.backend).any()
    here, there = state.surface.index[[5, 90]]
    state.phase.ravel()[[here, there]] = Phase.RESORBING, Phase.REVERSAL
    state.credit.ravel()[[here, there]] = FULL // 2
    state.matrix_factor.ravel()[here] = 0.6
    state.surface.active = np.array([here, there])
    source = coupling_source(state, sim.backend)
    assert source.ravel()[here] == pytest.approx(0.3)
    assert np.count_nonzero(source) == 1


def test_aromatization_follows_the_surface(sim: Simulation) -> None:
    """Estradiol is made in proportion to surface area and nowhere else."""
    source = estradiol_source(sim.state, sim.backend, SecretionParams())
    surface = sim.state.surface
    np.testing.assert_allclose(source.ravel()[surface.index], surface.area_um2, rtol=1e-6)
    assert np.count_nonzero(source) == np.count_nonzero(surface.area_um2)


def test_sources_do_not_depend_on_storage_order(sim: Simulation) -> None:
    """Integer sums: the same bits for any order of the cells."""
    state = sim.state
    add_osteoblasts(sim, state.surface.index[::7])
    random = np.random.Generator(np.random.Philox(1))
    state.osteocytes.stimulus[:] = random.uniform(-1.0, 1.0, len(state.osteocytes))

    def sources() -> list[Any]:
        p = SecretionParams()
        sums = [source(state, sim.backend, p) for source in (sclerostin_source, rankl_source)]
        return [*sums, opg_source(state, sim.backend, 10, p)]

    before = sources()
    for table in (state.osteocytes, state.osteoblasts):
        order = random.permutation(len(table))
        table.columns = {name: column[order] for name, column in table.columns.items()}
    for one, other in zip(before, sources()):
        assert one.tobytes() == other.tobytes()
