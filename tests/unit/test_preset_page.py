"""The page of presets: what is computed from rows, and which presets may share a spin-up."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def presets():
    """The benchmark as a module, with its neighbor of the claims."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        spec = importlib.util.spec_from_file_location("presets_page", FOLDER / "presets.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
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


SETTINGS = {"version": "0", "shape": [56, 56, 56], "voxel_size_um": 36.0, "overrides": {}}


def test_presets_share_a_spin_up_where_only_therapies_differ(presets):
    def past(name: str) -> str:
        return presets.life_of(name, 1, SETTINGS).run_in_key

    same = past("postmenopausal_osteoporosis")
    assert past("denosumab") == same
    assert past("exercise") == same
    assert past("estrogen_early") == past("postmenopause") != same
    assert past("bed_rest") != past("premenopause")
    assert past("testosterone") != past("gh_with_testosterone")
    assert presets.life_of("denosumab", 2, SETTINGS).run_in_key != same


def test_a_preset_is_one_life_with_all_it_gives(presets):
    life = presets.life_of("denosumab_stopped", 1, SETTINGS)
    assert [table.kind for table in life.config.therapy] == ["denosumab"]
    assert life.last_month == 48
    keys = {presets.life_of(name, 1, SETTINGS).key for name in presets.preset_names()}
    assert len(keys) == len(presets.preset_names())


def test_the_page_tells_what_was_run_and_what_was_not(presets):
    empty = presets.page({}, SETTINGS)
    assert "has not been computed yet" in empty
    runs = {"denosumab": {seed: series(loss) for seed, loss in ((1, 0.001), (2, 0.002))}}
    full = presets.page(runs, SETTINGS)
    assert "| `denosumab` | 6 | -0.9 ± 0.3 | -6.0 ± 0.0 | +6.0 ± 0.0 | -0.9 ± 0.3 | -0.9 ± 0.3 | 2 |" in full
    assert full.count("\n|  | ") == 4
    assert "Not run yet: `abaloparatide`" in full
    assert "has not been computed yet" not in full


def test_what_was_kept_makes_the_page_without_running(presets, tmp_path):
    lives = [presets.life_of("denosumab", seed, SETTINGS) for seed in (1, 2)]
    assert presets.kept_rows(lives, tmp_path) == {}
    (tmp_path / "lives").mkdir()
    path = tmp_path / "lives" / f"{lives[1].key}.json"
    path.write_text('{"rows": {"0": {"BV_TV": 0.1, "W_Th_um": null}}}')
    (rows,) = presets.kept_rows(lives, tmp_path).values()
    assert rows[0]["BV_TV"] == 0.1
