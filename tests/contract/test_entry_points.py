"""Hormones and drugs enter cells only through the table of factors, each at the processes that it names.

Every factor is moved alone: the processes it names do otherwise, all others do the same to the last bit.
"""

from __future__ import annotations

import ast
import copy
from pathlib import Path

import pytest
from small_bone import BUSY, begin, hold_levels, rods

import trabsim
from trabsim.clock import Clock
from trabsim.factors import FACTORS, NEUTRAL, factor
from trabsim.process import Process
from trabsim.simulation import Simulation
from trabsim.state import State

#: Where each factor is moved to.  A competitor without efficacy blocks; efficacy without a competitor is nothing.
MOVED = {
    "serm_competitor": 2.0,
    "serm_efficacy": 0.5,
    "aromatase_activity": 0.2,
    "rankl_factor": 1.5,
    "opg_factor": 0.7,
    "rankl_binder": 20.0,
    "sclerostin_factor": 0.3,
    "activation_factor": 1000.0,
    "osteoclast_life_factor": 2.0,
    "gathering_factor": 1.5,
    "osteoblast_recruitment_factor": 1.3,
    "matrix_rate_factor": 1.5,
    "osteoblast_death_factor": 3.0,
    "modeling_drive": 2.0,
    "osteocyte_death_factor": 20.0,
}
#: Day on which everything is due that is due at all, and every kind of cell is there.
DAY = 30


def step_to(sim: Simulation, day: int) -> Simulation:
    while sim.clock.day < day:
        sim.step()
    return sim


def same(one: State, other: State) -> bool:
    """Whether arrays, tables, counters and levels (factors aside) hold the same bits."""

    def levels(state: State) -> dict[str, float]:
        return {name: value for name, value in state.levels.items() if name not in NEUTRAL}

    tables = [
        {f"{name}.{column}": v for name, table in s.tables.items() for column, v in table.columns.items()}
        for s in (one, other)
    ]
    arrays = [{**s.arrays, **t} for s, t in zip((one, other), tables)]
    return (
        arrays[0].keys() == arrays[1].keys()
        and all(
            a.dtype == arrays[1][name].dtype and a.tobytes() == arrays[1][name].tobytes()
            for name, a in arrays[0].items()
        )
        and one.counters == other.counters
        and levels(one) == levels(other)
    )


@pytest.fixture(scope="module")
def stages() -> list[tuple[Process, State, State]]:
    """One day of a busy run: each process, the state it finds, and the state it leaves."""
    settings = BUSY | {
        "lining.modeling_wnt": 1.05,
        "lining.modeling_per_day": 0.01,
        "secretion.aromatase_pg_per_mL": 20.0,
    }
    sim = step_to(begin(rods(20, period=10, radius=2.8), settings), DAY)
    found = []
    for process in sim.processes:
        before = copy.deepcopy(sim.state)
        process.apply(sim.state, sim.clock)
        found.append((process, before, copy.deepcopy(sim.state)))
    return found


def test_every_factor_is_moved_by_these_tests() -> None:
    assert set(MOVED) == set(NEUTRAL)
    assert all(MOVED[name] != neutral for name, neutral in NEUTRAL.items())
    assert len({f.name for f in FACTORS}) == len(FACTORS)


@pytest.mark.parametrize("moved", FACTORS, ids=lambda f: f.name)
def test_a_factor_enters_where_it_says_and_nowhere_else(moved, stages) -> None:
    """On the same day of the same run, exactly the processes that the table names come out different."""
    entered = set()
    for process, before, after in stages:
        state = copy.deepcopy(before)
        state.levels[moved.name] = MOVED[moved.name]
        if moved.name == "serm_efficacy":  # of a modulator that is there
            state.levels["serm_competitor"] = MOVED["serm_competitor"]
            after = copy.deepcopy(before)
            after.levels["serm_competitor"] = MOVED["serm_competitor"]
            process.apply(after, Clock(DAY))
        process.apply(state, Clock(DAY))
        if not same(state, after):
            entered.add(process.name)
    assert entered == set(moved.enters)


def test_neutral_factors_change_nothing() -> None:
    """A month with every factor written at its neutral value gives the bits of a month without any."""
    without = begin(rods(24), BUSY)
    neutral = hold_levels(begin(rods(24), BUSY), **NEUTRAL)
    for name in NEUTRAL:
        hold_levels(without).state.levels.pop(name, None)
    for _ in range(30):
        without.step()
        neutral.step()
    assert same(without.state, neutral.state)
    assert without.state.counters["osteoblasts_born"] > 100
    assert all(type(factor(neutral.state, name)) is float for name in NEUTRAL)


def test_only_declared_factors_are_asked_for() -> None:
    """Every call of `factor` names one of the table, in a module of a process that the table names."""
    asked: dict[str, set[str]] = {name: set() for name in NEUTRAL}
    for path in Path(trabsim.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "factor":
                asked[ast.literal_eval(node.args[1])].add(path.stem)
    assert all(asked.values())


def test_unknown_factors_are_refused() -> None:
    with pytest.raises(KeyError):
        factor(begin(rods(20, period=10)).state, "bmd_factor")


# --------------------------------------------------------------- directions
def day_of(stages, name: str, **levels: float) -> State:
    """What a process leaves on that day with these factors."""
    process, before, _ = next(stage for stage in stages if stage[0].name == name)
    state = copy.deepcopy(before)
    state.levels.update(levels)
    process.apply(state, Clock(DAY))
    return state


@pytest.mark.parametrize(
    ("name", "value", "phi_rises", "wnt_rises"),
    [
        ("rankl_factor", 1.5, True, None),
        ("opg_factor", 0.5, True, None),
        ("rankl_binder", 1.0, False, None),
        ("sclerostin_factor", 0.3, False, True),
        ("aromatase_activity", 0.0, True, False),
        ("serm_competitor", 5.0, True, False),
    ],
)
def test_signals_move_in_the_right_direction(stages, name, value, phi_rises, wnt_rises) -> None:
    before = day_of(stages, "signals").levels
    after = day_of(stages, "signals", **{name: value}).levels
    assert (after["phi"] > before["phi"]) == phi_rises
    assert after["phi"] != before["phi"]
    if wnt_rises is None:
        assert after["wnt"] == before["wnt"]
    else:
        assert (after["wnt"] > before["wnt"]) == wnt_rises
        assert after["wnt"] != before["wnt"]


def test_a_partial_agonist_gives_response_where_there_is_none_and_takes_some_where_there_is_much(
    stages,
) -> None:
    """Between nothing and full estradiol a modulator moves the response toward its own efficacy."""
    for estradiol, rises in ((0.0, True), (300.0, False)):
        plain = {"estradiol_pg_per_mL": estradiol, "aromatase_activity": 0.0}
        before = day_of(stages, "signals", **plain).levels["estrogen_response"]
        after = day_of(stages, "signals", **plain, serm_competitor=3.0, serm_efficacy=0.5).levels
        assert (after["estrogen_response"] > before) == rises
    # where there is no estradiol, efficacy x s / (1 + s), relative to estradiol alone at the young-adult level
    alone = day_of(
        stages,
        "signals",
        estradiol_pg_per_mL=0.0,
        aromatase_activity=0.0,
        serm_competitor=3.0,
        serm_efficacy=0.5,
    )
    p = begin(rods(20, period=10)).config.process.signals
    norm = 1 + (p.estrogen_half_pg_per_mL / p.estrogen_reference_pg_per_mL) ** 2
    assert alone.levels["estrogen_response"] == pytest.approx(0.5 * 3 / 4 * norm, abs=1e-5)


def test_a_binder_of_one_halves_free_ligand(stages) -> None:
    """At baseline OPG; and at very much of it occupancy falls to its least."""
    from trabsim.fields.signals import rank_occupancy

    assert rank_occupancy(1.0, 1.0, 0.0, 1.0) == pytest.approx(rank_occupancy(0.5, 1.0, 0.0), abs=1e-15)
    assert day_of(stages, "signals", rankl_binder=1e5).levels["phi"] == pytest.approx(0.08, abs=1e-3)


def test_the_young_adult_level_of_estradiol_may_be_that_of_the_other_sex(stages) -> None:
    """With a lower reference the same estradiol protects more."""
    before = day_of(stages, "signals", estradiol_pg_per_mL=25.0).levels["estrogen_response"]
    after = day_of(stages, "signals", estradiol_pg_per_mL=25.0, estrogen_reference_pg_per_mL=30.0).levels
    assert after["estrogen_response"] > before + 0.1


def test_cells_move_in_the_right_direction(stages) -> None:
    """More sites, longer lives, faster gathering, more osteoblasts, more matrix, more deaths, more modeling."""

    def counted(process: str, counter: str, **levels: float) -> list[int]:
        return [day_of(stages, process, **given).counters.get(counter, 0) for given in ({}, levels)]

    def rises(pair: list[float]) -> bool:
        return pair[0] < pair[1]

    assert rises(counted("activation", "sites_opened", activation_factor=1000.0))
    used = [
        float(day_of(stages, "osteoclast_life", **given).osteoclasts.life_used_days.mean())
        for given in ({"osteoclast_life_factor": 2.0}, {})
    ]
    assert rises(used)
    assert rises(counted("osteoclast_life", "osteoclasts_died", osteoclast_life_factor=0.5))
    assert rises(counted("reversal", "osteoblasts_born", osteoblast_recruitment_factor=1.3))
    assert rises(counted("reversal", "formation_started_um2", gathering_factor=3.0))
    assert rises(counted("formation", "formed_quanta", matrix_rate_factor=1.2))
    assert rises(counted("formation", "osteoblasts_died", osteoblast_death_factor=5.0))
    assert rises(counted("lining", "modeling_osteoblasts", modeling_drive=1.0))
    dead = [
        int((day_of(stages, "osteocytes", **g).osteocytes.alive == 0).sum())
        for g in ({}, {"osteocyte_death_factor": 20.0})
    ]
    assert rises(dead)


def test_credit_paid_does_not_hang_on_hormones(stages) -> None:
    """Factors change what credit buys, not how much of it is spent: the ledger stays one of matrix."""
    for name in ("osteoblast_recruitment_factor", "matrix_rate_factor", "osteoblast_death_factor"):
        pair = [day_of(stages, "reversal", **given).counters["credit_paid"] for given in ({}, {name: 1.4})]
        assert pair[0] == pair[1]


def test_cortex_follows_the_same_cells(stages) -> None:
    """More sites and longer osteoclast lives raise resorption; recruitment, rate and survival raise formation."""

    def flows(**levels: float) -> tuple[float, float]:
        found = day_of(stages, "cortex", **levels).levels
        return found["cortical_resorption"], found["cortical_formation"]

    base = flows()
    for name, value in (("activation_factor", 2.0), ("osteoclast_life_factor", 2.0)):
        assert flows(**{name: value})[0] > base[0]
        assert flows(**{name: value})[1] == base[1]
    assert flows(bisphosphonate_activity=0.3)[0] < base[0]
    for name, value in (
        ("osteoblast_recruitment_factor", 1.2),
        ("matrix_rate_factor", 1.2),
        ("osteoblast_death_factor", 0.5),
    ):
        assert flows(**{name: value})[1] > base[1]
        assert flows(**{name: value})[0] == base[0]


# ------------------------------------------------------------------ rebound
def test_sites_withheld_under_a_binder_open_when_it_is_gone() -> None:
    """Under an antibody to RANKL few sites open and debt builds up; once it is gone more open than without it."""
    settings = BUSY | {
        "activation.debt_release_days": 300.0,
        "activation.occupancy_exponent": 1.9,
        "activation.unprompted": 0.0,
        "lining.modeling_per_day": 0.0,
    }
    opened, debt = {}, {}
    for bound in (0.0, 1e3):
        sim = hold_levels(begin(rods(20, period=10, radius=2.8), settings), rankl_binder=bound)
        step_to(sim, 60)
        before = sim.state.counters.get("sites_opened", 0)
        debt[bound] = float(sim.state.activation_debt.mean())
        sim.state.levels["rankl_binder"] = 0.0
        step_to(sim, 100)
        opened[bound] = before, sim.state.counters["sites_opened"] - before
    assert debt[1e3] > 1.5 * debt[0.0]
    assert opened[1e3][0] < 0.2 * opened[0.0][0]
    assert opened[1e3][1] > 1.3 * opened[0.0][1]
