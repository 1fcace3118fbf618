"""Claims: how a number per seed is judged, and that every claim names presets there are."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest

from trabsim.config import load_config, preset_names

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "claims.py"


@pytest.fixture(scope="module")
def claims():
    """The module of claims."""
    spec = importlib.util.spec_from_file_location("claims", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def loss_of(share: float) -> dict[int, dict[str, float]]:
    """Rows of five years that lose a share of everything each month."""
    names = (
        "vBMD_mg_per_cm3",
        "lumbar_spine_BMD_relative",
        "Tb_N_per_mm",
        "Tb_Th_um",
        "igf1_relative",
        "CTX_pct_of_baseline",
        "P1NP_pct_of_baseline",
    )
    return {
        month: {"BV_TV": 0.1, "potential_BV_TV": 0.1, **dict.fromkeys(names, 100.0 * (1.0 - share * month))}
        for month in range(-3, 61)
    }


def test_every_claim_is_of_presets_that_exist_and_can_be_read(claims):
    """Rows of sixty months suffice to read each claim as a finite number."""
    for claim in claims.CLAIMS:
        assert set(claim.presets) <= set(preset_names()), claim.text
        assert math.isfinite(claim.value({name: loss_of(0.001) for name in claim.presets})), claim.text


def test_claims_on_stops_sequences_and_combinations_are_not_held(claims):
    """What must hold speaks of presets that give one drug, from entry on and never stopped before it is judged."""
    single = {"calcium_and_vitamin_d"}
    for claim in (claim for claim in claims.CLAIMS if claim.held):
        for name in claim.presets:
            kinds = {course.kind for course in load_config(name).therapy}
            assert len(kinds) <= 1 or name in single, f"{claim.text}: {name} gives {kinds}"


def test_a_claim_holds_beyond_its_own_error_only(claims):
    """Mean 2 with an error of 1 holds above 0, not above 1.5; below the bound it never holds."""
    claim = claims.Claim("x", "y", ("postmenopause",), lambda r: r["postmenopause"][0]["a"])
    runs = {seed: {"postmenopause": {0: {"a": value}}} for seed, value in ((1, 1.0), (2, 3.0))}
    found = claims.judge(claim, runs)
    assert (found.mean, found.error, found.seeds) == (2.0, 1.0, 2)
    assert found.holds(claim)
    assert not found.holds(claim._replace(above=1.5))
    assert not found.holds(claim._replace(above=2.5))


def test_what_was_not_run_is_not_judged(claims):
    claim = claims.CLAIMS[0]
    assert claims.judge(claim, {1: {}}) is None
    assert len(claims.table_of({1: {}})) == 2


def test_the_table_says_what_holds_and_what_is_a_prediction(claims):
    held = claims.Claim("x", "falls", ("postmenopause",), lambda r: claims.bmd(r, "postmenopause", 12))
    runs = {seed: {"postmenopause": loss_of(0.01)} for seed in (1, 2)}
    lines = claims.table_of(runs, [held, held._replace(above=-20.0, held=False)])
    assert "**does not hold** | 2 |" in lines[2]
    assert "-12.0" in lines[2]
    assert "holds (prediction) | 2 |" in lines[3]
