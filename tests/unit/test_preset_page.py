"""The page of presets: what is computed from rows, and which presets may share a spin-up."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def presets():
    """The benchmark as a module; it imports its neighbor by name."""
    sys.path.insert(0, str(FOLDER))
    try:
        spec = importlib.util.spec_from_file_location("presets_page", FOLDER / "presets.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(FOLDER))
    return module


def series(loss: float) -> dict[int, dict[str, float]]:
    """Rows of four years in which everything falls by the same share each month."""
    names = ("vBMD_mg_per_cm3", "lumbar_spine_BMD_relative", "Tb_N_per_mm", "Tb_Th_um")
    return {
        month: {
            **dict.fromkeys(names, 1.0 - loss * month),
            "BV_TV": 0.1,
            "potential_BV_TV": 0.1,
            "CTX_pct_of_baseline": 100.0 - month,
            "P1NP_pct_of_baseline": 100.0 + month,
        }
        for month in range(-3, 49)
    }


def test_changes_count_from_entry_in_percent(presets):
    assert presets.changes(series(0.01), 12) == pytest.approx([-12.0, -12.0, 12.0, -12.0, -12.0])


def test_a_cell_holds_the_monte_carlo_error_where_there_is_one(presets):
    assert presets.cell(np.array([1.0, 3.0])) == "+2.0 ± 1.0"
    assert presets.cell(np.array([-1.25])) == "-1.2"


def test_presets_share_a_spin_up_where_only_therapies_differ(presets):
    same = presets.person_of("postmenopausal_osteoporosis")
    assert presets.person_of("denosumab") == same
    assert presets.person_of("exercise") == same
    assert presets.person_of("estrogen_early") == presets.person_of("postmenopause") != same
    assert presets.person_of("bed_rest") != presets.person_of("premenopause")
    assert presets.person_of("testosterone") != presets.person_of("gh_with_testosterone")


def test_the_page_tells_what_was_run_and_what_was_not(presets):
    kept = presets.KeptRuns(None, {})
    settings = {"version": "0", "shape": [56, 56, 56], "voxel_size_um": 36.0}
    empty = presets.page(kept, settings)
    assert "has not been computed yet" in empty
    for seed, loss in ((1, 0.001), (2, 0.002)):
        rows = {str(month): row for month, row in series(loss).items()}
        kept.add({"denosumab": {"rows": rows, "seconds": 1.0}}, seed)
    full = presets.page(kept, settings)
    assert "| `denosumab` | 6 | -0.9 ± 0.3 | -6.0 ± 0.0 | +6.0 ± 0.0 | -0.9 ± 0.3 | -0.9 ± 0.3 | 2 |" in full
    assert full.count("\n|  | ") == 4
    assert "Not run yet: `abaloparatide`" in full
    assert "has not been computed yet" not in full
