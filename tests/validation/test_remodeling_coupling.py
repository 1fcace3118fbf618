"""Coupling: single sites on a flat surface are refilled to the bone balance, without a bulge.

Run the fuller version with ``pytest -m validate tests/validation/test_remodeling_coupling.py -s``; it prints what
single sites look like at two voxel sizes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_bone import begin, named, slab

from trabsim.state import FULL
from trabsim.tissue.ledger import CREDIT_LOSSES

#: No site but those of the test; full estrogen, so that the balance is the one that is set.
ISOLATED: dict[str, Any] = {
    "activation.rate_per_mm2_per_year": 0.0,
    "endocrine.estradiol_table": [[0.0, 90.0]],
}


def four_sites(seed: int, voxel_size_um: float, settings: dict[str, Any] | None = None) -> dict[str, float]:
    """Open four sites 0.96 mm apart on a slab of 0.48 mm, and follow them until the last osteoblast is gone."""
    edge, thick = round(1920 / voxel_size_um), round(480 / voxel_size_um)
    piece = slab((round(800 / voxel_size_um), edge, edge), voxel_size_um, thick=thick)
    sim = begin(piece, ISOLATED | {"run.seed": seed} | (settings or {}))
    state = sim.state
    at = [round(edge * share) for share in (0.25, 0.75)]
    places = [np.ravel_multi_index((thick - 1, y, x), state.shape) for y in at for x in at]
    named(sim, "activation")._open(state, sim.clock, np.array(places), 4)
    before = state.bone.sum(axis=0, dtype=np.int64)
    lowest = before
    while sim.clock.day < 60 or len(state.osteoblasts) or sim.clock.day < 200:
        sim.step()
        lowest = np.minimum(lowest, state.bone.sum(axis=0, dtype=np.int64))
        assert sim.clock.day < 500, "a site never ends"
    c = state.counters
    um = voxel_size_um / FULL
    depth, rise = (before - lowest) * um, (state.bone.sum(axis=0, dtype=np.int64) - before) * um
    patch = depth > 5.0
    resorbed = c["resorbed_quanta"]
    lost = sum(c.get(name, 0) for name in CREDIT_LOSSES)
    return {
        "volume_per_site_um3": resorbed * state.quantum_um3 / 4,
        "patch_mm2": patch.sum() * voxel_size_um**2 / 1e6 / 4,
        "depth_um": depth[patch].mean(),
        "deepest_um": depth.max(),
        "formed_over_resorbed": c["formed_quanta"] / resorbed,
        "formed_over_paid": (c["formed_quanta"] + c.get("unplaced_quanta", 0)) / c["credit_paid"],
        "paid": c["credit_paid"] / resorbed,
        "lost": lost / resorbed,
        "waiting": int(state.credit.sum(dtype=np.int64)) / resorbed,
        "rise_um": rise[patch].mean(),
        "roughness_um": rise[patch].std(),
        "rise_outside_um": rise[~patch].mean(),
    }


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def check_coupled(got: dict[str, float], balance: float) -> None:
    """What was paid out is formed at the balance; nearly all is paid; the surface is level again on average."""
    assert got["formed_over_paid"] == pytest.approx(balance, rel=0.04)
    assert got["paid"] + got["lost"] + got["waiting"] == pytest.approx(1.0, abs=1e-9)
    assert got["paid"] > 0.9
    assert got["formed_over_resorbed"] == pytest.approx(balance, rel=0.08)
    level = (got["formed_over_resorbed"] - 1) * got["volume_per_site_um3"] / (got["patch_mm2"] * 1e6)
    assert got["rise_um"] == pytest.approx(level, abs=5.0), "what is formed lies where bone was resorbed"
    assert abs(got["rise_um"]) < 8.0
    assert abs(got["rise_outside_um"]) < 1.0


def test_isolated_sites_are_refilled_to_the_balance() -> None:
    """At a bone balance of 1 a flat surface is level again after its sites have ended, within 8 % of the volume."""
    settings = {"reversal.balance": 1.0}
    check_coupled(means([four_sites(seed, 40.0, settings) for seed in (1, 2)]), 1.0)


def test_a_negative_balance_leaves_a_dent() -> None:
    """At a balance of 0.7 three tenths of the volume stay missing."""
    got = four_sites(1, 40.0, {"reversal.balance": 0.7})
    assert got["formed_over_paid"] == pytest.approx(0.7, rel=0.05)
    assert got["rise_um"] < -5.0


@pytest.mark.validate
@pytest.mark.parametrize("voxel_size_um", [20.0, 40.0])
def test_isolated_sites_in_numbers(voxel_size_um: float) -> None:
    """The same with more seeds, at two voxel sizes; prints the geometry of a site."""
    got = means([four_sites(seed, voxel_size_um, {"reversal.balance": 1.0}) for seed in range(1, 6)])
    print({name: round(value, 4) for name, value in got.items()})
    check_coupled(got, 1.0)
    assert got["deepest_um"] < 100.0
