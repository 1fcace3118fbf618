"""Every therapy keeps its word: nothing at zero dose, only what it declares at any other, and a ledger that closes."""

from __future__ import annotations

import re
import sys

import pytest
from small_runs import BACKEND, assert_same_state, simulate, tables
from therapy_days import DRUGS, PROGRAMS, give, live, usual

from trabsim.config import load_config
from trabsim.errors import InvariantError
from trabsim.factors import NEUTRAL
from trabsim.simulation import Simulation
from trabsim.therapy.inputs import DEFAULTS, INPUTS, combined
from trabsim.therapy.registry import BUILT_IN, problem_with, therapy_class
from trabsim.therapy.therapies import ledger_imbalance, require_balance
from trabsim.therapy.therapy import EVIDENCE

WOMAN = {"age_years": 60.0}
MAN = {"sex": "male", "age_years": 70.0}
PARATHYROID = {**WOMAN, "hyperparathyroidism_age_years": 50.0}
#: What cells read of the endocrine system and of therapies beside the factors.
READ_BY_CELLS = (
    *NEUTRAL,
    "estradiol_pg_per_mL",
    "testosterone_ng_per_dL",
    "bisphosphonate_delivery",
    "bisphosphonate_potency",
    "bisphosphonate_release_per_day",
)
#: A progestogen has no effect unless it is given one; gonadorelin supports a testis that testosterone shuts off.
PROGESTOGEN = {"hormone_action": {"recruitment_gain_by_progestogen": 0.05}}


# ---------------------------------------------------------------- declarations
@pytest.mark.parametrize("kind", BUILT_IN)
def test_declares_what_exists(kind):
    cls = therapy_class(kind)
    assert problem_with(cls, kind) is None
    assert set(cls.sets) <= set(INPUTS)
    assert set(cls.enters) <= {*READ_BY_CELLS, "loads"}
    assert cls.enters
    assert cls.evidence in EVIDENCE
    assert cls.label_dose > 0
    assert cls.references
    for reference in cls.references:
        assert re.fullmatch(r"doi:10\.\d{4,9}/\S+|assumed: \S.{3,}", reference), reference


@pytest.mark.parametrize("kind", BUILT_IN)
def test_explains_itself(kind):
    """Where evidence is thin, the first line of the docstring says hypothesis."""
    cls = therapy_class(kind)
    line = (cls.__doc__ or "").strip().splitlines()[0]
    assert line
    assert (cls.evidence == "hypothesis") == ("hypothesis" in line)
    assert (sys.modules[cls.__module__].__doc__ or "").strip()


@pytest.mark.parametrize("kind", BUILT_IN)
def test_table_of_parameters_is_called_by_its_kind(kind):
    params = therapy_class(kind).params_class
    assert not params.model_fields or f"``[drug.{kind}]``" in (params.__doc__ or "")


def test_no_input_is_an_outcome():
    """A drug sets concentrations, shares of receptors and exposures: no density, no marker, no number of cells."""
    outcome = re.compile(r"BMD|BV|CTX|P1NP|score|osteoclasts|osteoblasts|Tb_|density", re.IGNORECASE)
    assert [name for name in INPUTS if outcome.search(name)] == []


# -------------------------------------------------------------------- zero dose
@pytest.mark.parametrize("kind", DRUGS)
def test_zero_dose_sets_what_holds_without_it(kind):
    _, sets, _ = give(kind, 0.0, 10, every=1)
    assert all(value == DEFAULTS[name] for day in sets for name, value in day.items())


@pytest.fixture(scope="module")
def untreated(tmp_path_factory):
    sim = simulate(tmp_path_factory.mktemp("untreated"))
    sim.run(days=4)
    return sim.state


@pytest.mark.parametrize("kind", BUILT_IN)
def test_zero_dose_leaves_a_run_as_it_is_to_the_last_bit(kind, untreated, tmp_path):
    table = {**usual(kind, 0.0), "start_day": -6}
    settings = {"therapy": [table]}
    if "progest" in kind:  # its default effect is zero at any dose
        settings["hormone_action.recruitment_gain_by_progestogen"] = 0.05
    state = treated(tmp_path, settings)
    levels = state.levels
    state.levels = {name: value for name, value in levels.items() if name in untreated.levels}
    assert_same_state(state, untreated)


def treated(folder, settings):
    """State after four days of a small run under therapies."""
    data = tables(folder)
    data["therapy"] = settings.pop("therapy")
    sim = Simulation(load_config(data, settings), backend=BACKEND)
    sim.run(days=4)
    return sim.state


# -------------------------------------------------------------- what it touches
@pytest.mark.parametrize("kind", DRUGS)
def test_on_the_first_day_only_its_own_levels_differ(kind):
    """Of all that therapies may set, a drug alters only what its class declares."""
    plain, given = (live(WOMAN, therapies, 1)[0] for therapies in ([], [usual(kind)]))
    changed = {name for name in INPUTS if plain[name] != given[name]}
    assert changed <= set(therapy_class(kind).sets)
    assert changed, "a label dose is felt on the first day"


@pytest.mark.parametrize("kind", DRUGS)
def test_cells_are_reached_only_where_it_says(kind):
    """Over two months, in women, men and those it is meant for; and every entry it names is used."""
    changed = set()
    for person in (WOMAN, MAN, PARATHYROID):
        beside = [usual("testosterone_gel")] if kind == "gonadorelin" else []
        tables = PROGESTOGEN if "progest" in kind else {}
        plain = live(person, beside, 60, **tables)
        given = live(person, [*beside, usual(kind)], 60, **tables)
        changed |= {n for n in READ_BY_CELLS for a, b in zip(plain, given) if a.get(n) != b.get(n)}
    assert changed == set(therapy_class(kind).enters)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_load_program_sets_no_concentration(kind):
    plain, given = (live(WOMAN, therapies, 3) for therapies in ([], [usual(kind)]))
    assert plain == given
    assert therapy_class(kind).sets == ()


# ----------------------------------------------------------------------- ledger
@pytest.mark.parametrize("kind", DRUGS)
def test_ledger_closes_every_day(kind):
    """Given = in body + in bone + eliminated, through doses, a stop, and years after."""
    cls = therapy_class(kind)
    every = max(1, round(cls.label_every_days)) if cls.repeated else None
    drug, _, remembered = give(kind, cls.label_dose, 800, every=every, stop=400)
    assert max(ledger_imbalance(levels, drug) for levels in remembered) < 1e-9
    last = remembered[-1]
    assert last[f"{kind}_{drug.given}"] > 0
    assert all(value >= 0 for name, value in last.items())
    if kind != "parathyroidectomy":
        assert last[f"{kind}_{drug.in_body}"] < 1e-3 * last[f"{kind}_{drug.given}"]


def test_a_broken_ledger_stops_the_run():
    drug, _, remembered = give("alendronate", 10.0, 5, every=1)
    levels = remembered[-1]
    require_balance(levels, [drug], 5)
    levels["alendronate_in_bone_mg"] += 1e-6
    with pytest.raises(InvariantError, match="day 5: the ledger of alendronate is off by"):
        require_balance(levels, [drug], 5)


# --------------------------------------------------------------------- together
def test_drugs_add_up_as_the_table_says():
    """Concentrations add, blocks are independent, properties are means weighted by amount."""
    assert combined("estradiol_drug_pg_per_mL", [{"estradiol_drug_pg_per_mL": 40.0}] * 2) == 80.0
    assert combined("aromatase_inhibition", [{"aromatase_inhibition": 0.5}] * 2) == 0.75
    assert combined("gonadorelin_support", [{"gonadorelin_support": v} for v in (0.2, 0.6)]) == 0.6
    parts = [
        {"bisphosphonate_delivery": 1.0, "bisphosphonate_potency": 1.0},
        {"bisphosphonate_delivery": 3.0, "bisphosphonate_potency": 5.0},
    ]
    assert combined("bisphosphonate_potency", parts) == 4.0
    assert combined("bisphosphonate_potency", []) == DEFAULTS["bisphosphonate_potency"]


def test_every_input_has_a_rule_that_is_known():
    for name, line in INPUTS.items():
        weight = line.together.removeprefix("mean of ")
        assert line.together in ("sum", "either", "largest") or weight in INPUTS, name
