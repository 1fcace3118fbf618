"""What surface cells receive: 1 in health, bounded, and moved by hormones in the right direction."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import named, rods, wake

from trabsim.fields.signals import SignalParams, local_response, rank_occupancy, wnt_signaling
from trabsim.simulation import Simulation


@pytest.mark.parametrize("least", [0.0, 0.08, 0.5])
def test_occupancy_is_one_in_health(least: float) -> None:
    """RANKL and OPG of healthy bone give 1; no RANKL gives the least; much RANKL gives at most 3 shares."""
    assert rank_occupancy(1.0, 1.0, least) == pytest.approx(1.0, abs=1e-12)
    assert rank_occupancy(0.0, 1.0, least) == least
    assert rank_occupancy(1e12, 1.0, least) == pytest.approx(least + 3 * (1 - least), rel=1e-6)


def test_occupancy_rises_with_rankl_and_falls_with_opg() -> None:
    """Strictly, over four decades; an excess of OPG closes it down to the least."""
    x = np.logspace(-2, 2, 200)
    assert (np.diff(rank_occupancy(x, 1.0, 0.08)) > 0).all()
    assert (np.diff(rank_occupancy(1.0, x, 0.08)) < 0).all()
    assert rank_occupancy(1.0, 1e9, 0.08) == pytest.approx(0.08, abs=1e-6)


def test_wnt_is_one_in_health() -> None:
    """1 at healthy sclerostin, 2 without it, falling towards 0."""
    assert wnt_signaling(1.0) == 1.0
    assert wnt_signaling(0.0) == 2.0
    assert (np.diff(wnt_signaling(np.linspace(0, 50, 100))) < 0).all()
    assert wnt_signaling(1e9) < 1e-8


@pytest.mark.parametrize(("half", "reference"), [(12.0, 80.0), (30.0, 60.0)])
def test_estrogen_response(half: float, reference: float) -> None:
    """0 without estradiol, 1 from the young-adult level on, near one half at its half level, of second order."""
    p = SignalParams(estrogen_half_pg_per_mL=half, estrogen_reference_pg_per_mL=reference)
    assert local_response(np.array([reference]), p, np)[0] == pytest.approx(1.0, abs=1e-12)
    x = np.linspace(0.0, 3 * reference, 500)
    got = local_response(x, p, np)
    assert got[0] == 0.0
    assert (got[x >= reference] == 1.0).all()
    assert (np.diff(got) >= 0).all()
    scale = (reference**2 + half**2) / reference**2
    assert local_response(np.array([half]), p, np)[0] == pytest.approx(0.5 * scale)
    small = local_response(np.array([half / 1000, half / 500]), p, np)
    assert small[1] / small[0] == pytest.approx(4.0, rel=1e-4)


# ---------------------------------------------------------------------- process
def healthy() -> Simulation:
    """Rods whose fields are set to the reference of health everywhere on the surface."""
    sim = wake(rods(24), {"endocrine.estradiol_table": [[0.0, 500.0]]})
    state = sim.state
    for name in ("rankl_contact", "rankl_soluble", "opg", "sclerostin"):
        state.arrays[name][...] = state.levels[f"{name}_reference"]
    state.levels["opg_mean"] = 1.0
    return sim


def received(sim: Simulation) -> tuple[float, float]:
    named(sim, "signals").apply(sim.state, sim.clock)
    return sim.state.levels["phi"], sim.state.levels["wnt"]


def test_health_is_received_as_one() -> None:
    """Reference fields and full estrogen: occupancy and Wnt signaling are 1 on every surface voxel, 0 elsewhere."""
    sim = healthy()
    assert received(sim) == (pytest.approx(1.0, abs=1e-5), pytest.approx(1.0, abs=1e-5))
    state = sim.state
    surface = state.exposed == 1
    np.testing.assert_allclose(state.phi[surface], 1.0, atol=1e-5)
    np.testing.assert_allclose(state.wnt[surface], 1.0, atol=1e-5)
    assert not state.phi[~surface].any()
    assert not state.wnt[~surface].any()
    np.testing.assert_allclose(state.surface.block_phi, 1.0, atol=1e-5)
    assert state.levels["estrogen_response"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "factor", "phi_rises", "wnt_rises"),
    [
        ("rankl_contact", 1.5, True, None),
        ("rankl_soluble", 1.5, True, None),
        ("opg", 1.5, False, None),
        ("sclerostin", 0.5, False, True),
        ("sclerostin", 2.0, True, False),
    ],
)
def test_each_signal_acts_in_its_direction(
    name: str, factor: float, phi_rises: bool, wnt_rises: bool | None
) -> None:
    """RANKL raises occupancy, OPG lowers it; less sclerostin means more Wnt, and through it less occupancy."""
    sim = healthy()
    phi, wnt = received(sim)
    sim.state.arrays[name] *= np.float32(factor)
    phi_now, wnt_now = received(sim)
    assert (phi_now > phi) == phi_rises
    assert wnt_now == wnt if wnt_rises is None else (wnt_now > wnt) == wnt_rises


def test_wnt_lowers_rankl_and_raises_opg() -> None:
    """With Wnt at w, RANKL is divided and OPG multiplied by 1 + share (w - 1)."""
    sim = healthy()
    sim.state.sclerostin *= np.float32(0.25)
    phi, wnt = received(sim)
    assert wnt == pytest.approx(1.6, abs=1e-5)
    by_wnt = 1 + sim.config.process.signals.wnt_on_rankl * 0.6
    expected = rank_occupancy(1 / by_wnt, by_wnt, sim.config.process.signals.phi_least)
    assert phi == pytest.approx(expected, abs=1e-5)


def test_loss_of_estrogen_raises_occupancy_and_lowers_wnt() -> None:
    """Without estradiol occupancy at least doubles its excess over the least and Wnt falls; less loss, less effect."""
    got = []
    for level in (500.0, 20.0, 0.0):
        sim = healthy()
        sim.state.levels["estradiol_pg_per_mL"] = level
        sim.state.estradiol_local[...] = 0
        got.append(received(sim))
    phi, wnt = zip(*got)
    assert phi[0] < phi[1] < phi[2]
    assert wnt[0] > wnt[1] > wnt[2]


def test_estradiol_made_in_the_marrow_protects() -> None:
    """Local estradiol adds to that of plasma: with as much of it as is lost in plasma, occupancy stays at 1."""
    sim = healthy()
    sim.state.levels["estradiol_pg_per_mL"] = 0.0
    sim.state.estradiol_local[...] = 0.0
    without, _ = received(sim)
    sim.state.estradiol_local[...] = 500.0
    with_it, _ = received(sim)
    assert without > with_it == pytest.approx(1.0, abs=1e-5)


def test_men_are_measured_by_what_young_testosterone_adds_in_marrow() -> None:
    """At plasma estradiol and testosterone of young men the response is 1; with a third of the latter less."""
    got = []
    for testosterone in (600.0, 200.0):
        sim = healthy()
        sim.state.levels |= {
            "estrogen_reference_pg_per_mL": 28.0,
            "testosterone_reference_ng_per_dL": 600.0,
            "testosterone_ng_per_dL": testosterone,
            "estradiol_pg_per_mL": 28.0,
        }
        sim.state.estradiol_local[...] = sim.config.process.secretion.aromatase_pg_per_mL
        got.append(received(sim)[0])
    assert got[0] == pytest.approx(1.0, abs=1e-5)
    assert got[1] > 1.05
