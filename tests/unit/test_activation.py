"""Activation: how often sites open, and what becomes of openings withheld while RANK occupancy is low."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from small_bone import named, slab, wake

from trabsim.agents.activation import ActivationParams, next_debt, opening_chance, preference
from trabsim.state import Phase

PARAMS = ActivationParams(rate_per_mm2_per_year=2.0, debt_fade_days=1000.0, debt_release_days=600.0)
PER_DAY = 2.0 / 365.25


def debt_after(days: int, phi: float, drive: float, debt: float = 0.0) -> float:
    """Debt after some days of constant occupancy."""
    value = np.array([debt])
    for _ in range(days):
        value = next_debt(value, np.array([drive]), np.array([phi]), PARAMS, np)
    return float(value[0])


def test_chance_is_area_times_rate() -> None:
    """Without debt: surface (mm2) x rate per day x drive; linear in the area."""
    area = np.array([0.0, 1600.0, 3200.0])
    got = opening_chance(area, np.full(3, 1.5), np.zeros(3), np.ones(3), PARAMS)
    np.testing.assert_allclose(got, area / 1e6 * PER_DAY * 1.5, rtol=1e-12)


def test_debt_opens_sites_as_occupancy_returns() -> None:
    """Debt adds openings in proportion to occupancy; none at occupancy 0."""
    area, debt = np.full(3, 1e6), np.full(3, 12.0)
    got = opening_chance(area, np.zeros(3), debt, np.array([0.0, 1.0, 2.0]), PARAMS)
    np.testing.assert_allclose(got, [0.0, 12.0 / 600.0, 24.0 / 600.0], rtol=1e-12)


def test_no_debt_arises_in_health_or_above() -> None:
    """At or above occupancy 1 every opening happens at once: nothing is withheld."""
    for drive in (1.0, 1.4, 3.0):
        assert debt_after(500, phi=drive, drive=drive) == 0.0


def test_debt_saturates_where_as_much_fades_as_is_withheld() -> None:
    """At constant low occupancy the debt tends to withheld / (1/fade + phi/release)."""
    phi, drive = 0.2, 0.3
    expected = PER_DAY * (1 - drive) / (1 / 1000.0 + phi / 600.0)
    assert debt_after(20_000, phi, drive) == pytest.approx(expected, rel=1e-6)
    assert debt_after(200, phi, drive) < debt_after(400, phi, drive) < expected


def test_debt_is_forgotten_and_released() -> None:
    """In health a debt falls day by day by the shares that fade and that open."""
    left = debt_after(300, phi=1.0, drive=1.0, debt=5.0)
    assert left == pytest.approx(5.0 * (1 - 1 / 1000.0 - 1 / 600.0) ** 300, rel=1e-9)


def test_longer_suppression_leaves_more_debt() -> None:
    """Years of low occupancy leave more to catch up with than months."""
    debts = [debt_after(days, phi=0.1, drive=0.15) for days in (90, 365, 730, 1460)]
    assert debts == sorted(debts)
    assert debts[0] > 0


def test_a_debt_never_becomes_negative() -> None:
    """Even extreme occupancy takes no more than there is."""
    assert debt_after(1, phi=1e6, drive=1.0, debt=3.0) == 0.0


# ---------------------------------------------------------- where load is felt
def random_surface(n: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    """Stimulus between -2 and 2 and damage between 0 and 3."""
    random = np.random.default_rng(7)
    return random.uniform(-2, 2, n), random.uniform(0, 3, n)


@pytest.mark.parametrize(("fewer", "more"), [(0.0, 0.0), (0.5, 0.0), (0.0, 0.7), (0.5, 0.5), (2.0, 2.0)])
def test_preference_moves_sites_and_makes_none(fewer: float, more: float) -> None:
    """Its mean over the surface is 1 whatever is felt, so activation frequency does not change by itself."""
    params = ActivationParams(fewer_per_stimulus=fewer, more_per_damage=more)
    got = preference(*random_surface(), params, np)
    assert got.mean() == pytest.approx(1.0, abs=2e-6)
    assert got.min() > 0


def test_preference_follows_its_slopes() -> None:
    """Between two places it is as 1 - slope x stimulus, limited to 0.2-3, times 1 + slope x damage."""
    params = ActivationParams(fewer_per_stimulus=0.5, more_per_damage=0.4)
    stimulus = np.array([0.0, 1.0, -1.0, 2.0, -2.0, 0.0, 1.0])
    damage = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0])
    got = preference(stimulus, damage, params, np)
    np.testing.assert_allclose(got / got[0], [1.0, 0.5, 1.5, 0.2, 2.0, 1.4, 0.5 * 1.8], rtol=1e-9)
    steep = preference(np.array([0.0, -2.0]), np.zeros(2), ActivationParams(fewer_per_stimulus=2.0), np)
    assert steep[1] / steep[0] == pytest.approx(3.0)


def test_without_load_and_damage_no_place_is_preferred() -> None:
    assert preference(np.zeros(9), np.zeros(9), PARAMS, np).tolist() == [1.0] * 9


def test_unloaded_surface_opens_more_and_loaded_less() -> None:
    """Two halves of a surface under stimuli of +1 and -1: one site to three (5 sigma), as many as before in all."""
    settings = {
        "activation.rate_per_mm2_per_year": 100.0,
        "activation.fewer_per_stimulus": 0.5,
        "activation.more_per_damage": 0.0,
    }
    sim = wake(slab((16, 32, 32), thick=8.0), settings)
    state, process = sim.state, named(sim, "activation")
    state.phi.ravel()[state.surface.index] = 1.0
    state.strain_signal[:, :, :16], state.strain_signal[:, :, 16:] = 1.0, -1.0
    for _ in range(400):
        process.apply(state, sim.clock)
        state.phase[...] = Phase.QUIESCENT
        sim.clock.advance()
    total = len(state.sites)
    loaded = int((np.unravel_index(state.sites.voxel, state.shape)[2] < 16).sum())
    expected = float(state.surface.area_um2.sum()) / 1e6 * 100.0 * 400 / 365.25
    assert abs(total - expected) < 5 * np.sqrt(expected)
    assert abs(loaded - total / 4) < 5 * np.sqrt(total * 0.25 * 0.75)


def test_damaged_surface_opens_more() -> None:
    """A half with damage 2 and a slope of 1: three sites to one (5 sigma)."""
    sim = wake(
        slab((16, 32, 32), thick=8.0),
        {"activation.rate_per_mm2_per_year": 100.0, "activation.more_per_damage": 1.0},
    )
    state, process = sim.state, named(sim, "activation")
    state.phi.ravel()[state.surface.index] = 1.0
    state.microdamage[:, :, :16] = 2.0
    for _ in range(400):
        process.apply(state, sim.clock)
        state.phase[...] = Phase.QUIESCENT
        sim.clock.advance()
    total = len(state.sites)
    damaged = int((np.unravel_index(state.sites.voxel, state.shape)[2] < 16).sum())
    assert abs(damaged - 0.75 * total) < 5 * np.sqrt(total * 0.25 * 0.75)


# --------------------------------------------------------------------- process
def test_sites_open_at_the_rate_that_is_set() -> None:
    """Over many days, openings on quiescent surface follow area x rate (5 sigma of a Poisson count)."""
    sim = wake(slab((16, 32, 32), thick=8.0), {"activation.rate_per_mm2_per_year": 100.0})
    state, process = sim.state, named(sim, "activation")
    state.phi.ravel()[state.surface.index] = 1.0
    area = float(state.surface.area_um2.sum()) / 1e6
    for _ in range(400):
        process.apply(state, sim.clock)
        state.phase[...] = Phase.QUIESCENT
        sim.clock.advance()
    expected = area * 100.0 * 400 / 365.25
    assert abs(state.counters["sites_opened"] - expected) < 5 * np.sqrt(expected)
    assert len(state.sites) == state.counters["sites_opened"]
    assert np.unique(state.sites.id).size == len(state.sites)
    assert np.isin(state.sites.voxel, state.surface.index).all()


def test_only_quiescent_surface_opens() -> None:
    """Nothing opens where remodeling is going on; what opens is marked with its site and day."""
    sim = wake(slab((16, 24, 24), thick=8.0), {"activation.rate_per_mm2_per_year": 20_000.0})
    state = sim.state
    busy = np.zeros(state.shape, bool)
    busy[:, :, :12] = True
    state.phase[busy & (state.exposed == 1)] = Phase.REVERSAL
    sim.clock.day = 17
    named(sim, "activation").apply(state, sim.clock)
    assert len(state.sites) > 5
    assert not busy.ravel()[state.sites.voxel].any()
    opened = state.phase == Phase.RESORBING
    assert np.flatnonzero(opened).tolist() == sorted(state.sites.voxel.tolist())
    assert (state.site.ravel()[state.sites.voxel] == state.sites.id).all()
    assert (state.contact_day[opened] == 17).all()
    assert (state.sites.opened_day == 17).all()
    assert (state.sites.recruits == 0).all()


def openings(phi: float, settings: dict[str, Any]) -> int:
    """Sites opened in 200 days on a slab that stays quiescent."""
    rate = {"activation.rate_per_mm2_per_year": 200.0, "run.disable": ["activation_debt"]}
    sim = wake(slab((16, 32, 32), thick=8.0), rate | settings)
    sim.state.phi.ravel()[sim.state.surface.index] = phi
    for _ in range(200):
        named(sim, "activation").apply(sim.state, sim.clock)
        sim.state.phase[...] = Phase.QUIESCENT
        sim.clock.advance()
    return sim.state.counters.get("sites_opened", 0)


def test_higher_occupancy_opens_more() -> None:
    """Openings rise with RANK occupancy to the power that is set."""
    settings = {"activation.occupancy_exponent": 0.5, "activation.unprompted": 0.0}
    opened = [openings(phi, settings) for phi in (0.25, 1.0, 4.0)]
    for low, high in itertools.pairwise(opened):
        assert abs(high - 2 * low) < 5 * np.sqrt(high + 4 * low)


def test_some_sites_open_without_RANKL() -> None:
    """Without RANK occupancy the unprompted share opens; at occupancy 1 it makes no difference."""
    few = openings(0.0, {"activation.unprompted": 0.2})
    usual = openings(1.0, {"activation.unprompted": 0.2})
    assert openings(0.0, {"activation.unprompted": 0.0}) == 0
    assert abs(5 * few - usual) < 5 * np.sqrt(25 * few + usual)
    assert usual == openings(1.0, {"activation.unprompted": 0.0})
