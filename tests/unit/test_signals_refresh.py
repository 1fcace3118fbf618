"""When fields are solved: on the first day, when cells have changed enough, and at least monthly."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import begin, named, rods, wake

from trabsim.errors import InvariantError
from trabsim.state import FULL

FIELDS = ("rankl_contact", "rankl_soluble", "opg", "sclerostin", "coupling", "estradiol_local")


def test_fields_are_solved_when_due() -> None:
    """First day, then when turnover since the last time exceeds the stated share of the surface, then monthly."""
    sim = wake(rods(24), {"fields.refresh_change": 0.05, "fields.refresh_days": 20})
    state, process = sim.state, named(sim, "fields")
    solved = [0]
    for day in range(1, 45):
        sim.clock.day = day
        if day == 5:  # just below the threshold
            state.count("resorbed_quanta", int(0.049 * state.surface.index.size * FULL))
        if day == 9:  # formation counts like resorption
            state.count("formed_quanta", int(0.002 * state.surface.index.size * FULL))
        process.apply(state, sim.clock)
        if state.counters["fields_day"] == day:
            solved.append(day)
    assert solved == [0, 9, 29]
    assert state.counters["field_refreshes"] == 3


def test_references_are_those_of_the_first_day() -> None:
    """The values of health are set once; at that time the surface means are 1 relative to them."""
    sim = wake(rods(24))
    state = sim.state
    index = state.surface.index
    for name in ("rankl_contact", "rankl_soluble", "sclerostin"):
        assert state.arrays[name].ravel()[index].mean() / state.levels[f"{name}_reference"] == pytest.approx(
            1.0, rel=1e-4
        )
    before = {name: value for name, value in state.levels.items() if name.endswith("_reference")}
    assert len(before) == 5
    state.osteocytes.keep(np.arange(len(state.osteocytes)) % 2 == 0)
    named(sim, "fields").solve_all(state, sim.clock)
    after = {name: value for name, value in state.levels.items() if name.endswith("_reference")}
    assert {name: after[name] for name in before} == before
    assert state.sclerostin.ravel()[index].mean() < 0.7 * before["sclerostin_reference"]


def test_fields_stay_in_their_domains() -> None:
    """Bone-bound fields are 0 in marrow, marrow fields 0 in buried bone, all of them 0 outside the tissue."""
    piece = rods(24)
    tissue = np.ones(piece.shape, bool)
    tissue[:, :, :4] = False
    sim = wake(type(piece)(np.where(tissue, piece.bone_fraction, 0).astype(np.float32), tissue, 40.0, "cut"))
    state = sim.state
    solid = 2 * state.bone >= FULL
    buried = solid & (state.exposed == 0)
    for name in ("sclerostin", "rankl_contact"):
        assert not state.arrays[name][~solid].any(), name
        assert (state.arrays[name][state.exposed == 1] > 0).all(), name
    for name in ("rankl_soluble", "opg", "estradiol_local"):
        assert not state.arrays[name][buried].any(), name
        assert not state.arrays[name][~tissue].any(), name
        assert (state.arrays[name][state.exposed == 1] > 0).all(), name


def test_a_warm_start_comes_to_the_same_field() -> None:
    """Solved from the last solution or from nothing, a field is the same within the tolerance."""
    sim = begin(rods(24))
    for _ in range(20):
        sim.step()
    state = sim.state
    named(sim, "fields").solve_all(state, sim.clock)
    warm = {name: state.arrays[name].copy() for name in FIELDS}
    for name in FIELDS:
        state.arrays[name][...] = 0
    named(sim, "fields").solve_all(state, sim.clock)
    for name in FIELDS:
        scale = float(warm[name].max())
        assert np.abs(warm[name] - state.arrays[name]).max() <= 1e-3 * scale, name


def test_a_negative_field_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solution below -1e-4 of its maximum is an error that names the field; a smaller undershoot is clipped."""
    sim = wake(rods(24))
    process = named(sim, "fields")
    solve = sim.backend.solve_steady

    def spoiled(depth: float) -> None:
        def solver(
            source: object, domain: object, length: float, field: np.ndarray, tolerance: float
        ) -> object:
            result = solve(source, domain, length, field, tolerance)
            field.ravel()[int(np.argmin(field))] = -depth * float(field.max())
            return result

        monkeypatch.setattr(sim.backend, "solve_steady", solver)

    spoiled(0.5e-4)
    process.solve_all(sim.state, sim.clock)
    assert all(sim.state.arrays[name].min() >= 0 for name in FIELDS)
    spoiled(2e-4)
    with pytest.raises(InvariantError, match="field sclerostin fell to -") as caught:
        process.solve_all(sim.state, sim.clock)
    assert "\n" not in str(caught.value)


def test_local_estradiol_has_the_level_that_is_set() -> None:
    """At healthy density and 20 ng/dL testosterone its mean at the surface is the stated pg/mL; 0 without aromatase."""
    for expected in (3.0, 0.0):
        sim = wake(rods(24), {"secretion.aromatase_pg_per_mL": expected})
        mean = sim.state.estradiol_local.ravel()[sim.state.surface.index].mean()
        assert mean == pytest.approx(expected, rel=1e-3, abs=1e-9)
